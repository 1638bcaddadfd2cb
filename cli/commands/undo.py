"""`loader undo`: take a load back, so that InfluxDB has the values of the other files again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.deployed.declarations import use_deployed_datasets
from cli.deployed.stack import Deployment
from cli.load_result import exit_status, is_partly_loaded
from cli.options import AsJson, Load, Stack
from cli.output import console, quantity, show_json, status, stderr
from shared.ledger import bucket_and_key
from shared.settings import STACK_NAME

if TYPE_CHECKING:
    from cli.deployed.executions import Execution
    from cli.undo_loads import UndoResult

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Force = Annotated[
    bool, typer.Option("--force", help="Go on even if other files are not loaded completely, or would lose values.")
]
Delete = Annotated[
    bool, typer.Option("--delete/--no-delete", help="Delete the points of the load that no other file has.")
]
SkipFailed = Annotated[
    bool, typer.Option("--skip-failed", help="Complete the undo without the files that cannot be loaded again.")
]


def undo(
    load: Load,
    *,
    yes: Yes = False,
    force: Force = False,
    delete: Delete = True,
    skip_failed: SkipFailed = False,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """Undo a load: write the values again that it had overwritten, and delete the points that only it had.

    Loads the version before it again, or where revisions replace each other, the files of the revision before, and
    every other file whose values it had overwritten. Backfills and sweeps leave an undone file alone; `loader load
    --force` loads it again. Shows a plan and asks first; docs/when-files-change.md says what to read before. If it is
    interrupted, run it again: it continues. Example: loader undo 096e6cbf
    """
    from cli.undo import UndoOptions, undo_load  # noqa: PLC0415 - it loads pyarrow

    deployment = Deployment(stack)
    use_deployed_datasets(deployment)
    options = UndoOptions(yes=yes, force=force, delete=delete, skip_failed=skip_failed)
    result = undo_load(deployment, load, options)
    if as_json:
        show_json(_content(result))
    else:
        _show(result)
    raise typer.Exit(_exit_status(result, delete=delete))


def _exit_status(result: "UndoResult", *, delete: bool) -> int:
    """Return 0 only if the undo did all that the operator wanted."""
    if result.problem or result.gone or result.reloaded or (delete and result.left):
        return 1
    return max((exit_status(each) for each in result.executions.values()), default=0)


def _content(result: "UndoResult") -> dict[str, Any]:
    record = result.record
    return {
        "load_id": record["load_id"],
        "undone": _undone(result),
        "loaded_since": result.reloaded,
        "loaded_again": {name: _outcome(each) for name, each in result.executions.items()},
        "passed_over": result.passed_over,
        "not_in_s3": result.gone,
        "deletions": result.deletions,
        "left": result.left,
        "problem": result.problem,
    }


def _undone(result: "UndoResult") -> list[str]:
    return [each["source"] for each in result.record["undone"] if each["source"] not in result.reloaded]


def _outcome(execution: "Execution") -> str:
    if execution.status != "SUCCEEDED":
        return "failed"
    return "partly loaded" if is_partly_loaded(execution) else "loaded"


def _show(result: "UndoResult") -> None:
    from cli.deletion import show_state  # noqa: PLC0415 - it loads pyarrow

    for name in _undone(result):
        console.print(Text.assemble(status("undone"), f"  {bucket_and_key(name)[1]}"), soft_wrap=True)
    for name in result.reloaded:
        _write(f"not undone, since it was loaded again after the undo had begun: {name}. No points were deleted.")
    for name, execution in result.executions.items():
        outcome = _outcome(execution)
        console.print(Text.assemble(status(outcome), f"  {bucket_and_key(name)[1]}"), soft_wrap=True)
    for name in result.passed_over:
        _write(f"not loaded again, since a newer version or revision is loaded, or it was undone itself: {name}")
    for name in result.gone:
        _write(f"not loaded again, since it is no longer in S3: {name}. Its values of the common points are lost.")
    for name, state in result.deletions.items():
        show_state(name, state)
    if result.left and not result.problem:
        key = bucket_and_key(result.record["undone"][0]["source"])[1]
        _write(f"{quantity(result.left, 'point')} of the undone load may still be stored: `loader stale {key!r}`")
    if result.problem:
        stderr.print(f"not complete: {result.problem}", soft_wrap=True, markup=False)


def _write(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)
