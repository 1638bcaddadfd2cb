"""`loader retry`: load again what failed."""

import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.advice import show_remedies
from cli.deployed.executions import POLL_S, Execution, describe
from cli.deployed.ledger import Entry, Filter, entries, filter_of, newest
from cli.deployed.stack import Deployment
from cli.options import AsJson, Dataset, Prefix, Since, Stack
from cli.output import console, detach_on_interrupt, listing, progress, show_json, status, stderr
from shared.settings import STACK_NAME

AT_ONCE = 4
"""Loads that run together, each with several writers."""
DryRun = Annotated[bool, typer.Option("--dry-run", help="only tell what would be loaded again")]


def retry(
    prefix: Prefix = "",
    *,
    dataset: Dataset = "",
    since: Since = "",
    dry_run: DryRun = False,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """Load again every file whose newest version failed, or was claimed by an execution that never ended."""
    deployment = Deployment(stack)
    with stderr.status("reading the ledger"):
        failed = unloaded(deployment, filter_of(deployment, prefix, dataset=dataset, since=since))
    ended = {} if dry_run else _loaded_again(deployment, failed)
    if as_json:
        show_json(
            [{"object": entry.object, "was": _was(entry), **_became(ended.get(entry.object))} for entry in failed]
        )
    else:
        _show(deployment, failed, ended)
    raise typer.Exit(0 if all(map(_is_loaded, ended.values())) else 1)


def unloaded(deployment: Deployment, wanted: Filter) -> list[Entry]:
    """The newest versions that failed or were abandoned.

    Loads that failed before their version was known are not among them: a backfill finds their files.
    """
    now = datetime.now(UTC)
    last = (entry for status in ("failed", "claimed") for entry in entries(deployment, replace(wanted, status=status)))
    names = dict.fromkeys(entry.object for entry in last if entry.load_id and _is_unloaded(entry, now))
    return [entry for entry in (newest(deployment, name) for name in names) if _is_unloaded(entry, now)]


def _is_unloaded(entry: Entry, now: datetime) -> bool:
    return entry.status == "failed" or entry.abandoned(now)


def _loaded_again(deployment: Deployment, failed: Sequence[Entry]) -> dict[str, Execution]:
    """A few at once, as a backfill does; the ends, by object."""
    client, waiting = deployment.stepfunctions, deque(failed)
    running, ended = dict[str, str](), dict[str, Execution]()
    again = "What has begun goes on: `loader history` tells how it ends, and `loader retry` begins the rest"
    with detach_on_interrupt(again), progress() as bar:
        task = bar.add_task(f"loading {len(failed)} files again", total=len(failed))
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                entry = waiting.popleft()
                running[entry.object] = _start(deployment, entry)
            time.sleep(POLL_S)
            found = {name: describe(client, arn) for name, arn in running.items()}
            ended |= {name: execution for name, execution in found.items() if execution.ended}
            running = {name: arn for name, arn in running.items() if name not in ended}
            bar.update(task, completed=len(ended))
    return ended


def _start(deployment: Deployment, entry: Entry) -> str:
    """The very version, where there are versions: one that came since has a load of its own."""
    bucket, _, key = entry.object.removeprefix("s3://").partition("/")
    version = {"version_id": entry.version_id} if entry.version_id else {}
    asked = json.dumps({"bucket": bucket, "key": key, **version})
    return deployment.stepfunctions.start_execution(stateMachineArn=deployment.machine, input=asked)["executionArn"]


def _is_loaded(execution: Execution) -> bool:
    return execution.status == "SUCCEEDED"


def _was(entry: Entry) -> str:
    return entry.error or "abandoned"


def _became(execution: Execution | None) -> dict[str, Any]:
    if execution is None:
        return {}
    return {"status": execution.status, "error": execution.error, "message": execution.response.get("message", "")}


def _show(deployment: Deployment, failed: list[Entry], ended: dict[str, Execution]) -> None:
    if not failed:
        console.print("nothing to load again")
        return
    table = listing("was", "is now", "file")
    for entry in failed:
        execution = ended.get(entry.object)
        now = _now(execution, entry) if execution else Text("left alone: --dry-run", "dim")
        table.add_row(_was(entry), now, entry.object.removeprefix(f"s3://{deployment.source_bucket}/"))
    console.print(table)
    show_remedies(execution.error for execution in ended.values() if execution.error)


def _now(execution: Execution, before: Entry) -> Text:
    message = execution.response.get("message", "")
    if not _is_loaded(execution):
        return status("failed").append(" again" if execution.error == before.error else f" {execution.error}")
    return status("skipped").append(message.removeprefix("Skipped")) if message.startswith("Skip") else status("loaded")
