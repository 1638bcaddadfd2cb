"""`loader retry`: load again what failed."""

import json
from typing import Annotated

import typer
from rich.text import Text

from cli.deployment import STACK, Deployment
from cli.executions import Execution, watch
from cli.history import moment_of
from cli.options import AsJson, Dataset, Prefix, Since, Stack
from cli.past_loads import Entry, Filter, entries, last_of_each
from cli.screen import beside, console, listing, progress, show_json, status

TIMEOUT_S = 6 * 3600
DryRun = Annotated[bool, typer.Option("--dry-run", help="only tell what would be loaded again")]


def retry(
    prefix: Prefix = "",
    *,
    dataset: Dataset = "",
    since: Since = "",
    dry_run: DryRun = False,
    stack: Stack = STACK,
    as_json: AsJson = False,
) -> None:
    """Load again every object whose last load failed; what has been loaded since is left alone."""
    deployment = Deployment(stack)
    with beside.status("reading the executions"):
        found = last_of_each(entries(deployment, Filter(prefix=prefix, dataset=dataset, since=moment_of(since))))
    failed = [entry for entry in found.values() if entry.status == "failed" and entry.object != "s3:///"]
    ended = {} if dry_run else _loaded_again(deployment, failed)
    if as_json:
        show_json(
            [{"object": entry.object, "was": entry.error, **_became(ended.get(entry.object))} for entry in failed]
        )
    else:
        _show(failed, ended)
    raise typer.Exit(1 if any(execution.status != "SUCCEEDED" for execution in ended.values()) else 0)


def _loaded_again(deployment: Deployment, failed: list[Entry]) -> dict[str, Execution]:
    """All are started before the first is waited for; the ends, by object."""
    client = deployment.stepfunctions
    arns = {}
    for entry in failed:
        bucket, _, key = entry.object.removeprefix("s3://").partition("/")
        asked = json.dumps({"bucket": bucket, "key": key})
        arns[entry.object] = client.start_execution(stateMachineArn=deployment.machine, input=asked)["executionArn"]
    with progress() as bar:
        waiting = bar.track(arns.items(), description=f"loading {len(arns)} files again")
        return {name: watch(client, arn, timeout_s=TIMEOUT_S, seen=lambda _: None) for name, arn in waiting}


def _became(execution: Execution | None) -> dict[str, str]:
    if execution is None:
        return {}
    return {"status": execution.status, "error": execution.error, "message": execution.answer.get("message", "")}


def _show(failed: list[Entry], ended: dict[str, Execution]) -> None:
    if not failed:
        console.print("nothing to load again")
        return
    table = listing("object", "was", "is now")
    for entry in failed:
        execution = ended.get(entry.object)
        now = execution.error or execution.answer.get("message", "") if execution else "left alone: --dry-run"
        verdict = Text.assemble(status(execution.status), f"  {now}") if execution else Text(now, "dim")
        table.add_row(entry.object.removeprefix("s3://").partition("/")[2], entry.error, verdict)
    console.print(table)
