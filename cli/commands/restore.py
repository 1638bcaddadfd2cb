"""`loader restore`: write back what a deletion removed from InfluxDB."""

from typing import Annotated

import typer

from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from cli.options import AsJson, Stack
from cli.output import console, quantity, show_json
from shared.settings import STACK_NAME

DeletionName = Annotated[
    str, typer.Argument(metavar="DELETION", help="The deletion, as `loader stale --delete` names it.")
]


def restore(deletion: DeletionName, *, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Write all points back that a deletion removed, with the values that InfluxDB had before.

    Values that newer files have written since then stand. The points count as stale again. The exit status is 0 only
    if all of them were written back.
    """
    from cli.deletion import TOO_OLD, execute  # noqa: PLC0415 - it loads pyarrow
    from shared.deletion.records import DELETIONS, plan_key  # noqa: PLC0415

    deployment = Deployment(stack)
    if plan_key(deletion) not in deployment.work_keys(plan_key(deletion)):
        raise NotFoundError(
            f"there is no deletion {deletion}, or its before-images have expired: "
            f"`aws s3 ls s3://{deployment.work_bucket}/{DELETIONS}/` lists those that can be restored"
        )
    state = execute(deployment, deletion, restore=True)
    expired = state.get("expired", 0)
    if state["status"] == "refused":
        raise RefusedError(f"nothing was written back: {state['waits_for'][0]}")
    if as_json:
        show_json(state)
    else:
        console.print(f"deletion {deletion}: {quantity(state['restored'], 'point')} written back", markup=False)
        if expired:
            console.print(f"{quantity(expired, 'point')} not written back: {TOO_OLD}", markup=False)
        for text in state["doubts"]:
            console.print(f"in doubt: {text}", soft_wrap=True, markup=False)
    raise typer.Exit(1 if expired or state["doubts"] else 0)
