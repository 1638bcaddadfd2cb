"""`loader rebuild`: delete the stale points in a time of a dataset slice by slice, and load its current files again."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import complete_dataset
from cli.deletion import show_state
from cli.deployed.declarations import use_deployed_datasets
from cli.deployed.executions import Execution
from cli.deployed.stack import Deployment
from cli.errors import RefusedError
from cli.listing import Column
from cli.load_result import is_partly_loaded, worst_exit_status
from cli.options import DATASET_NAMES, AsJson, Stack
from cli.output import console, listing, quantity, show_json, status
from cli.targets import check_dataset
from cli.times import parse_time
from shared.deletion.slices import MAX_SLICE_POINTS
from shared.settings import STACK_NAME

if TYPE_CHECKING:
    from cli.rebuild import RebuildResult

SHOWN_DOUBTS = 3

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DatasetToRebuild = Annotated[
    str,
    typer.Option("--dataset", help=f"The dataset to rebuild: {DATASET_NAMES}.", autocompletion=complete_dataset),
]
From = Annotated[
    str, typer.Option("--from", metavar="TIME", help="The first time of the points: 90m, 2d, or 2024-01-31T12:00.")
]
To = Annotated[
    str, typer.Option("--to", metavar="TIME", help="The time before which the points end, written as for --from.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Force = Annotated[
    bool, typer.Option("--force", help="Also if files are not loaded completely, or if many points would go.")
]
MaxPoints = Annotated[
    int,
    typer.Option(
        "--max-points",
        metavar="POINTS",
        min=1,
        max=MAX_SLICE_POINTS,
        help="The most points of a slice, which queries do not see until its current points are written again.",
    ),
]


def rebuild(
    *,
    dataset: DatasetToRebuild,
    from_: From,
    to: To,
    yes: Yes = False,
    force: Force = False,
    max_points: MaxPoints = MAX_SLICE_POINTS,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """Delete the stale points in a time of a dataset slice by slice, and load its current files again.

    For stale points that are beyond the limits of `loader stale --delete`, such as thousands of scattered ones. Shows a
    plan, and asks; docs/when-files-change.md says what to read first.

    Example: loader rebuild --dataset generation --from 2024-01-01 --to 2024-02-01
    """
    from cli.deployed.rebuilds import Window  # noqa: PLC0415 - it loads pyarrow
    from cli.rebuild import RebuildOptions  # noqa: PLC0415
    from cli.rebuild import rebuild as rebuild_window  # noqa: PLC0415

    first_ns, end_ns = _nanoseconds(from_), _nanoseconds(to)
    if first_ns >= end_ns:
        raise RefusedError(f"nothing was deleted: --from {from_} is not before --to {to}")
    deployment = Deployment(stack)
    use_deployed_datasets(deployment)
    check_dataset(dataset)
    options = RebuildOptions(max_points, yes=yes, force=force)
    result = rebuild_window(deployment, Window(dataset, first_ns, end_ns - 1), options)
    if as_json:
        show_json(_content(result))
    else:
        _show(result)
    raise typer.Exit(_exit_status(result))


def _nanoseconds(text: str) -> int:
    time = parse_time(text)
    if time is None:
        raise RefusedError("an empty text is not a time: use 2024-01-31T12:00")
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def _exit_status(result: "RebuildResult") -> int:
    """Return 0 only if it is known that no stale point is left, and if each file was loaded again."""
    is_done = result.stale == 0 and not result.doubts and not result.overtaken
    return worst_exit_status(result.loads.values()) if is_done and all(map(_is_loaded, result.loads.values())) else 1


def _is_loaded(execution: Execution) -> bool:
    return execution.status == "SUCCEEDED" and not execution.message.startswith("Skip")


def _content(result: "RebuildResult") -> dict[str, Any]:
    loads = [
        {"key": each.key, "status": each.status, "error": each.error, "message": each.message}
        for each in result.loads.values()
    ]
    return {
        "deletions": result.deletions,
        "loads": loads,
        "overtaken": list(result.overtaken),
        "stale_points": result.stale,
        "doubts": dict(result.doubts),
    }


def _show(result: "RebuildResult") -> None:
    for name, state in result.deletions.items():
        show_state(name, state)
    _show_loads(result)
    if result.stale is None:
        rest = "see `loader stale`" if result.loads else "no file was loaded again. Run the command again"
        _write(f"The rebuild is not complete: {rest}.")
    elif result.stale:
        _write(f"{quantity(result.stale, 'stale point')} left")
    else:
        _write("no stale points are known to be left" if result.doubts else "no stale points left")
    for name, why in islice(result.doubts.items(), SHOWN_DOUBTS):
        _write(f"{name} may have left more: {why}")
    if (more := len(result.doubts) - SHOWN_DOUBTS) > 0:
        _write(f"and {quantity(more, 'more file')}: `loader stale` lists them")


def _show_loads(result: "RebuildResult") -> None:
    table = listing("now", Column("file", "key"))
    for each in result.loads.values():
        table.add_row(_result(each), each.key)
    if result.loads:
        console.print(table)
    for name in result.overtaken:
        _write(f"not loaded again, since a newer version has arrived, or its load was undone: {name}")


def _result(execution: Execution) -> Any:
    if not _is_loaded(execution):
        return status(execution.message if execution.status == "SUCCEEDED" else f"failed {execution.error}")
    return status("partly loaded" if is_partly_loaded(execution) else "loaded")


def _write(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)
