"""`loader watch`: watch a load or a backfill that is running already, whoever started it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer

from cli.backfill_result import backfill_exit_status, show_backfill
from cli.close_matches import only_match
from cli.completion import complete_load
from cli.deployed.executions import execution_arn, find_execution
from cli.deployed.ledger import Entry, Filter, entries
from cli.deployed.names import is_key, suggest_load
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from cli.listing import Column
from cli.load_result import exit_status, show_result
from cli.moments import Moment
from cli.options import AsJson, Stack
from cli.output import console, listing, show_json
from cli.targets import parse_prefix
from cli.watching import watch_backfill, watch_load
from shared.settings import STACK_NAME

TIMEOUT_S = 7 * 3600
"""Longer than the time limit of a load's execution."""

MAX_LISTED = 20
"""How many running executions to list."""

Running = Annotated[
    str,
    typer.Argument(
        metavar="[LOAD|EXECUTION|BACKFILL]",
        help="A load ID or its first characters, or the name or ARN of an execution. Not needed if only one runs.",
        autocompletion=complete_load,
    ),
]


def watch(target: Running = "", *, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Watch a running load or backfill until it ends, and print its result.

    Shows its state, chunks, points a second, and what it waits for. Ctrl-C stops watching, not the load.
    """
    deployment = Deployment(stack)
    arn = _find(deployment, target) if target else _find_only(deployment)
    if arn.startswith(execution_arn(deployment.backfill_machine, "")):
        execution = watch_backfill(deployment, arn)
        show_json(execution.response) if as_json else show_backfill(deployment, execution)
        raise typer.Exit(backfill_exit_status(execution))
    execution = watch_load(deployment, arn, timeout_s=TIMEOUT_S)
    if as_json:
        show_json(execution.response)
    else:
        show_result(deployment, execution.message, execution.load_data, arn.rpartition(":")[2])
    raise typer.Exit(exit_status(execution))


def _find(deployment: Deployment, target: str) -> str:
    """Return the ARN of the execution that a load ID, a name, or a key stands for. Raises NotFoundError."""
    running = _running(deployment)
    key = parse_prefix(target, deployment.source_bucket).address if is_key(target) else target
    for kind, name_of in _NAMES.items():
        if claim := only_match(key, {name_of(entry): entry for entry in running}, kind):
            return claim.execution
    for machine in (deployment.machine, deployment.backfill_machine):
        if execution := find_execution(deployment.stepfunctions, machine, target):
            return execution.arn
        arns = {arn.rpartition(":")[2]: arn for arn in _running_executions(deployment, machine)}
        if arn := only_match(target, arns, "running executions"):
            return arn
    raise NotFoundError(
        f"no running load has the ID {target!r}, and no execution has this name{suggest_load(deployment, target)}: "
        f"`loader history` lists recent loads, and `loader show {target}` shows one that has ended"
    )


_NAMES: Mapping[str, Callable[[Entry], str]] = {
    "running loads": lambda entry: entry.load_id,
    "files that are being loaded": lambda entry: entry.object,
}


def _find_only(deployment: Deployment) -> str:
    """Return the ARN of the only load or backfill that is running. Raises NotFoundError or RefusedError."""
    machines = (deployment.backfill_machine, deployment.machine)
    arns = list(islice((arn for machine in machines for arn in _running_executions(deployment, machine)), MAX_LISTED))
    if not arns:
        raise NotFoundError("nothing is running: `loader history` lists the loads that have ended")
    if len(arns) == 1:
        return arns[0]
    _show_running(deployment, arns)
    more = "at least " if len(arns) == MAX_LISTED else ""
    raise RefusedError(f"{more}{len(arns)} loads and backfills are running: name one")


def _running_executions(deployment: Deployment, machine: str) -> Iterator[str]:
    pages = deployment.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=machine, statusFilter="RUNNING"
    )
    return (item["executionArn"] for page in pages for item in page["executions"])


def _show_running(deployment: Deployment, arns: Sequence[str]) -> None:
    """Print the running executions. A load that has not claimed its file yet has only a name."""
    table, now = listing("started (UTC)", "name", Column("file", "key")), datetime.now(UTC)
    claims = {entry.execution: entry for entry in _running(deployment)}
    for arn in arns:
        claim, name = claims.get(arn), arn.rpartition(":")[2]
        if claim:
            table.add_row(Moment(claim.changed_at, now), claim.load_id[:8], claim.object)
        else:
            table.add_row("", name, "(backfill)" if arn == execution_arn(deployment.backfill_machine, name) else "")
    console.print(table)


def _running(deployment: Deployment) -> list[Entry]:
    now = datetime.now(UTC)
    return [entry for entry in entries(deployment, Filter(status="claimed")) if not entry.abandoned(now)]
