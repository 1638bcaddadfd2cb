"""`loader footprints`: store the footprints that are missing, without writing points."""

from typing import Any

import typer

from cli.deployed.ledger import filter_of
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError
from cli.options import AsJson, Dataset, Prefix, Stack
from cli.output import console, progress, quantity, show_json
from shared.errors import LoaderError
from shared.settings import STACK_NAME


def footprints(
    prefix: Prefix = "", *, dataset: Dataset = "", stack: Stack = STACK_NAME, as_json: AsJson = False
) -> None:
    """Store the missing footprints of loads of an earlier release, from their sources, without writing points."""
    # This import loads pyarrow, which takes half a second that other commands need not spend.
    from cli.deployed.footprints import items_without_footprint, rebuild_footprint  # noqa: PLC0415

    deployment, results = Deployment(stack), list[dict[str, Any]]()
    items = list(items_without_footprint(deployment, filter_of(deployment, prefix, dataset=dataset)))
    with progress() as bar:
        for item in bar.track(items, description="converting files"):
            result: dict[str, Any] = {"object": item["object"], "points": 0, "error": ""}
            try:
                result["points"] = rebuild_footprint(deployment, item)
            except (LoaderError, NotFoundError) as error:
                result["error"] = str(error)
            results.append(result)
    _show(results, as_json=as_json)
    raise typer.Exit(1 if any(result["error"] for result in results) else 0)


def _show(results: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(results)
        return
    failures = [result for result in results if result["error"]]
    console.print(f"stored {quantity(len(results) - len(failures), 'footprint')}")
    for result in failures:
        console.print(f"{result['object']}: {result['error']}", soft_wrap=True, markup=False)
