"""`loader overlaps`: list the pairs of files that write the same points, and whose values stand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cli.deployed.declarations import use_deployed_datasets
from cli.deployed.ledger import filter_of, items_with_status
from cli.deployed.stack import Deployment
from cli.listing import Column
from cli.options import AsJson, Dataset, Prefix, Stack
from cli.output import console, listing, progress, quantity, show_json
from shared.ledger import LedgerItem, newest_of
from shared.settings import STACK_NAME

if TYPE_CHECKING:
    from cli.deployed.overlaps import Overlap


def overlaps(prefix: Prefix = "", *, dataset: Dataset = "", stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """List the pairs of files that write the same points, how many values differ, and which file's values stand.

    The points are those of the footprints. The values are read from the source files.
    """
    # These imports load pyarrow, which takes half a second that other commands need not spend.
    from cli.deployed.overlaps import find_overlaps  # noqa: PLC0415
    from cli.overlaps import comparable  # noqa: PLC0415

    deployment = Deployment(stack)
    use_deployed_datasets(deployment)
    versions: dict[str, list[LedgerItem]] = {}
    for item in items_with_status(deployment, "loaded", filter_of(deployment, prefix, dataset=dataset)):
        versions.setdefault(item["object"], []).append(item)
    known, unknown = comparable(filter(None, map(newest_of, versions.values())))
    with progress() as bar:
        bar.add_task("comparing files", total=None)
        found = sorted(find_overlaps(deployment, known), key=lambda overlap: -overlap.points)
    contents = [_content(overlap) for overlap in found]
    if as_json:
        show_json({"overlaps": contents, "not_compared": sorted(item["object"] for item in unknown)})
    else:
        _show(contents, len(known), unknown)


def _content(overlap: "Overlap") -> dict[str, Any]:
    standing = overlap.standing
    return {
        "dataset": standing.file["dataset"],
        "points": overlap.points,
        "different": overlap.different,
        "stands": standing.file["object"],
        "other": standing.other["object"],
        "reason": standing.reason,
    }


def _show(contents: Sequence[dict[str, Any]], files: int, unknown: Sequence[LedgerItem]) -> None:
    if contents:
        columns = [Column(name, "key") for name in ("stands", "other")]
        table = listing("#points", "#different", *columns, Column("why", "note"))
        for each in contents:
            different = "unknown" if each["different"] is None else f"{each['different']:,}"
            table.add_row(f"{each['points']:,}", different, each["stands"], each["other"], each["reason"])
        console.print(table)
    else:
        console.print(f"no common points in {quantity(files, 'loaded file')}")
    if unknown:
        console.print(
            f"Not compared: {quantity(len(unknown), 'file')} without a footprint, such as {unknown[0]['object']}. "
            "To include them, run `loader footprints`.",
            style="dim",
            soft_wrap=True,
            markup=False,
        )
