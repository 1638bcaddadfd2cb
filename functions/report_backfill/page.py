"""The page of a backfill: how many files are loaded, and each file that is not, with the reason."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from shared.pages.console_links import Console
from shared.pages.rendering import template
from shared.responses import BackfillReport, UnloadedFile

TEMPLATE = Path(__file__).with_name("page.html")

MAX_FILES = 1_000
"""How many files that are not loaded the page lists, and how many that are partly loaded. The report has all."""


class FileRow(NamedTuple):
    """A file that is not loaded. `page` is the address of the page of its last load, relative to this page, or ""."""

    key: str
    reason: str
    message: str
    page: str


def page(report: BackfillReport) -> str:
    """Return the page of a backfill."""
    execution = report["input"]["execution"]
    console = Console.of_execution(execution["id"])
    start = datetime.fromisoformat(execution["start_time"])
    return template(TEMPLATE).render(
        response=report["response"],
        data=report["response"]["data"],
        files=[_row(file) for file in report["not_loaded"][:MAX_FILES]],
        reasons=Counter(map(_reason, report["not_loaded"])).most_common(),
        partly_loaded=report["partly_loaded"][:MAX_FILES],
        execution=execution,
        started_at=f"{start:%Y-%m-%d %H:%M}",
        link=console.execution(execution["id"]) if console else None,
        not_loaded=len(report["not_loaded"]),
        is_sweep=bool(report["input"].get("sweep")),
    )


def _reason(file: UnloadedFile) -> str:
    return file["error"] or file["status"]


def _row(file: UnloadedFile) -> FileRow:
    report = file["report"].removesuffix(".json")
    return FileRow(file["key"], _reason(file), file["message"], f"../{quote(report)}.html" if report else "")
