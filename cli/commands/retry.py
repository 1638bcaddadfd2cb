"""`loader retry`: load the files again that failed or were abandoned.

`find_unloaded` reads the ledger for versions to load; `_reload` runs a few executions at a time until all have ended.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.advice import show_remedies
from cli.deployed.executions import POLL_S, Execution, describe, start_execution
from cli.deployed.ledger import Entry, Filter, entries, filter_of, newest
from cli.deployed.stack import Deployment
from cli.load_result import is_partly_loaded, worst_exit_status
from cli.options import AsJson, Dataset, Prefix, Since, Stack
from cli.output import (
    console,
    detach_on_interrupt,
    listing,
    progress,
    quantity,
    show_json,
    status,
    stderr,
)
from shared.settings import STACK_NAME

MAX_CONCURRENCY = 4
"""How many loads run at a time. Each of them writes several chunks concurrently."""
DryRun = Annotated[bool, typer.Option("--dry-run", help="List the files, but do not load them.")]


def retry(
    prefix: Prefix = "",
    *,
    dataset: Dataset = "",
    since: Since = "",
    dry_run: DryRun = False,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """Load every file again whose newest version failed or was abandoned.

    A load is abandoned if its execution ended without settling its claim in the ledger. After Ctrl-C, no further loads
    start; those that are running continue.
    """
    deployment = Deployment(stack)
    with stderr.status("reading the ledger"):
        unloaded = find_unloaded(deployment, filter_of(deployment, prefix, dataset=dataset, since=since))
    ended = {} if dry_run else _reload(deployment, unloaded)
    if as_json:
        show_json([_content(entry, ended.get(entry.object)) for entry in unloaded])
    else:
        _show(deployment, unloaded, ended)
    raise typer.Exit(worst_exit_status(ended.values()))


def find_unloaded(deployment: Deployment, filter_: Filter) -> list[Entry]:
    """Return the newest version of each object, if it failed or was abandoned.

    Loads that failed before their version was known are not included: a backfill loads their files.
    """
    now = datetime.now(UTC)
    changes = (
        entry for status in ("failed", "claimed") for entry in entries(deployment, replace(filter_, status=status))
    )
    names = dict.fromkeys(entry.object for entry in changes if entry.load_id and _is_unloaded(entry, now))
    return [entry for entry in (newest(deployment, name) for name in names) if _is_unloaded(entry, now)]


def _is_unloaded(entry: Entry, now: datetime) -> bool:
    return entry.status == "failed" or entry.abandoned(now)


def _reload(deployment: Deployment, unloaded: Sequence[Entry]) -> dict[str, Execution]:
    """Load all entries, a few at a time, and return their executions by object once all have ended."""
    client, waiting = deployment.stepfunctions, deque(unloaded)
    running, ended = dict[str, str](), dict[str, Execution]()
    message = "Loads that have started continue; `loader history` shows their results. `loader retry` loads the rest."
    with detach_on_interrupt(message), progress() as bar:
        task = bar.add_task(f"loading {quantity(len(unloaded), 'file')} again", total=len(unloaded))
        while waiting or running:
            while waiting and len(running) < MAX_CONCURRENCY:
                entry = waiting.popleft()
                running[entry.object] = _start(deployment, entry)
            time.sleep(POLL_S)
            executions = {name: describe(client, arn) for name, arn in running.items()}
            ended |= {name: execution for name, execution in executions.items() if execution.ended}
            running = {name: arn for name, arn in running.items() if name not in ended}
            bar.update(task, completed=len(ended))
    return ended


def _start(deployment: Deployment, entry: Entry) -> str:
    """Start a load and return its ARN. In a versioned bucket it names the version: a newer one has its own load."""
    bucket, _, key = entry.object.removeprefix("s3://").partition("/")
    version = {"version_id": entry.version_id} if entry.version_id else {}
    return start_execution(deployment.stepfunctions, deployment.machine, {"bucket": bucket, "key": key, **version})


def _is_loaded(execution: Execution) -> bool:
    return execution.status == "SUCCEEDED"


def _cause(entry: Entry) -> str:
    return entry.error or "abandoned"


def _content(entry: Entry, execution: Execution | None) -> dict[str, Any]:
    content = {"object": entry.object, "was": _cause(entry)}
    if execution is None:
        return content
    message = execution.message
    return content | {"status": execution.status, "error": execution.error, "message": message}


def _show(deployment: Deployment, unloaded: list[Entry], ended: dict[str, Execution]) -> None:
    if not unloaded:
        console.print("no files to load again")
        return
    table = listing("before", "now", "file")
    for entry in unloaded:
        execution = ended.get(entry.object)
        result = _result(execution, entry) if execution else Text("unchanged (--dry-run)", "dim")
        table.add_row(_cause(entry), result, entry.object.removeprefix(f"s3://{deployment.source_bucket}/"))
    console.print(table)
    show_remedies(execution.error for execution in ended.values() if execution.error)


def _result(execution: Execution, before: Entry) -> Text:
    message = execution.message
    if not _is_loaded(execution):
        return status("failed").append(" again" if execution.error == before.error else f" {execution.error}")
    if message.startswith("Skip"):
        return status("skipped").append(message.removeprefix("Skipped"))
    return status("partly loaded" if is_partly_loaded(execution) else "loaded")
