"""`loader footprints`: store the footprints and registrations that are missing, without writing points."""

from collections.abc import Callable, Iterable
from typing import Any

import typer

from cli.deployed.ledger import filter_of, items_with_status
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError
from cli.options import AsJson, Dataset, Prefix, Stack
from cli.output import console, progress, quantity, show_json
from shared.errors import LoaderError
from shared.ledger import LedgerItem
from shared.settings import STACK_NAME


def footprints(
    prefix: Prefix = "", *, dataset: Dataset = "", stack: Stack = STACK_NAME, as_json: AsJson = False
) -> None:
    """Store the missing footprints of loads of an earlier release, from their sources, without writing points.

    Also registers these loads, so that older files that arrive late do not overwrite their values.
    """
    # This import loads pyarrow, which takes half a second that other commands need not spend.
    from cli.deployed.footprints import items_without_footprint, rebuild_footprint  # noqa: PLC0415
    from cli.deployed.registrations import register, unregistered  # noqa: PLC0415

    deployment, results = Deployment(stack), dict[str, dict[str, Any]]()
    filter_ = filter_of(deployment, prefix, dataset=dataset)

    def rebuild(item: LedgerItem, result: dict[str, Any]) -> None:
        result["points"] = rebuild_footprint(deployment, item)

    def add_registrations(item: LedgerItem, result: dict[str, Any]) -> None:
        register(deployment, item)
        result["registered"] = True

    _handle_all(results, items_without_footprint(deployment, filter_), "converting files", rebuild)
    loaded = items_with_status(deployment, "loaded", filter_)
    _handle_all(results, unregistered(deployment, loaded), "registering loads", add_registrations)
    _show(list(results.values()), as_json=as_json)
    raise typer.Exit(1 if any(result["error"] for result in results.values()) else 0)


def _handle_all(
    results: dict[str, dict[str, Any]],
    items: Iterable[LedgerItem],
    description: str,
    handle: Callable[[LedgerItem, dict[str, Any]], None],
) -> None:
    """Handle each item, and record an error in the result of its object."""
    with progress() as bar:
        for item in bar.track(list(items), description=description):
            name = item["object"]
            result = results.setdefault(name, {"object": name, "points": None, "registered": False, "error": ""})
            try:
                handle(item, result)
            except (LoaderError, NotFoundError) as error:
                result["error"] = str(error)


def _show(results: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(results)
        return
    failures = [result for result in results if result["error"]]
    stored = sum(result["points"] is not None for result in results)
    registered = sum(result["registered"] for result in results)
    console.print(f"stored {quantity(stored, 'footprint')}, registered {quantity(registered, 'load')}")
    for result in failures:
        console.print(f"{result['object']}: {result['error']}", soft_wrap=True, markup=False)
