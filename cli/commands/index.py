"""`loader index`: write one page that lists the last loads, with the page of each load beside it."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.deployed.stack import Deployment
from cli.errors import NotFoundError
from cli.options import AsJson, Stack
from cli.output import console, quantity, show_json, stderr
from shared.pages.index import INDEX_KEY, page_of, recent_loads, render_index
from shared.settings import STACK_NAME

CONCURRENT_DOWNLOADS = 16

Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Write index.html and the pages to this folder.", file_okay=False)
]
Pages = Annotated[
    bool,
    typer.Option("--pages/--no-pages", help="Also download the page of each load, so that the links work offline."),
]


def index(
    folder: Folder = Path("build/index"), *, pages: Pages = True, stack: Stack = STACK_NAME, as_json: AsJson = False
) -> None:
    """Write a page that lists the last 500 loads and links to the page of each."""
    deployment = Deployment(stack)
    with stderr.status("reading the ledger"):
        loads = recent_loads(deployment.ledger)
    keys = [key for item in loads if (key := page_of(item))]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX_KEY).write_text(render_index(loads, datetime.now(UTC)), encoding="utf-8")
    absent = _download(deployment, folder, keys) if pages else []
    if as_json:
        show_json({"index": str(folder / INDEX_KEY), "loads": len(loads), "absent_pages": absent})
        return
    console.print(f"{folder / INDEX_KEY}: {quantity(len(loads), 'load')}", soft_wrap=True, markup=False)
    if absent:
        console.print(f"{quantity(len(absent), 'page')} could not be downloaded: they have expired", style="dim")


def _download(deployment: Deployment, folder: Path, keys: Iterable[str]) -> list[str]:
    """Download the pages that are not in the folder yet, and return the keys of those that do not exist."""
    missing = [key for key in keys if not (folder / key).exists()]
    with (
        stderr.status(f"downloading {quantity(len(missing), 'page')}"),
        ThreadPoolExecutor(CONCURRENT_DOWNLOADS) as pool,
    ):
        exists = list(pool.map(lambda key: _save(deployment, folder / key, key), missing))
    return [key for key, is_saved in zip(missing, exists, strict=True) if not is_saved]


def _save(deployment: Deployment, path: Path, key: str) -> bool:
    """Download a page, and return whether it exists."""
    try:
        content = deployment.work_object(key)
    except NotFoundError:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True
