"""`loader retry`: load the files again that failed or were abandoned.

`cli.deployed.unloaded` finds the versions to load, and leaves out those that cannot succeed. `cli.repeated_loads` runs
a few executions at a time until all have ended.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.deployed.executions import Execution
from cli.deployed.ledger import Entry, filter_of
from cli.deployed.stack import Deployment
from cli.deployed.unloaded import ABANDONED, Choice, cause, choose, find_unloaded
from cli.errors import RefusedError
from cli.listing import Column
from cli.load_result import is_partly_loaded, worst_exit_status
from cli.options import AsJson, Dataset, Prefix, Since, Stack, Until
from cli.output import console, listing, show_json, status, stderr
from cli.remedies import ERRORS, RUNBOOK, show_remedies
from cli.repeated_loads import run_loads
from shared.ledger import bucket_and_key
from shared.settings import STACK_NAME

ErrorName = Annotated[
    str,
    typer.Option(
        "--error", metavar="NAME", help=f"Only loads that ended with this error; {ABANDONED} for those without one."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Also load files again whose error only another file resolves.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List the files, but do not load them.")]


def retry(
    prefix: Prefix = "",
    *,
    dataset: Dataset = "",
    since: Since = "",
    until: Until = "",
    error: ErrorName = "",
    force: Force = False,
    dry_run: DryRun = False,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """Load every file again whose newest version failed or was abandoned.

    A load is abandoned if its execution ended without settling its claim in the ledger. Skips objects that have been
    deleted since, and errors that only another file resolves. After Ctrl-C, no further loads start; those that are
    running continue.
    """
    deployment = Deployment(stack)
    _check_error(error)
    with stderr.status("reading the ledger"):
        unloaded = find_unloaded(deployment, filter_of(deployment, prefix, dataset=dataset, since=since, until=until))
        choice = choose(deployment, [entry for entry in unloaded if error in ("", cause(entry))], force=force)
    ended = {} if dry_run else _reload(deployment, choice.entries)
    if as_json:
        show_json(_contents(choice, ended))
    else:
        _show(deployment, choice, ended)
    raise typer.Exit(worst_exit_status(ended.values()))


def _check_error(name: str) -> None:
    """Raise RefusedError for a name that looks like one of our errors, but is not."""
    if name.endswith("Error") and "." not in name and name not in ERRORS:
        raise RefusedError(f"unknown error {name!r}: the runbook ({RUNBOOK}) has a section for each")


def _reload(deployment: Deployment, unloaded: Sequence[Entry]) -> dict[str, Execution]:
    """Load all entries, a few at a time, and return their executions by object once all have ended."""
    events = ((entry.object, _event(entry)) for entry in unloaded)
    message = "Loads that have started continue; `loader history` shows their results. `loader retry` loads the rest."
    return run_loads(deployment, events, total=len(unloaded), interrupted=message)


def _event(entry: Entry) -> dict[str, str]:
    """Return the input of a load. In a versioned bucket it names the version: a newer one has its own load."""
    bucket, key = bucket_and_key(entry.object)
    version = {"version_id": entry.version_id} if entry.version_id else {}
    return {"bucket": bucket, "key": key, **version}


def _is_loaded(execution: Execution) -> bool:
    return execution.status == "SUCCEEDED"


def _contents(choice: Choice, ended: Mapping[str, Execution]) -> list[dict[str, Any]]:
    skipped = [{"object": entry.object, "was": cause(entry), "skipped": reason} for entry, reason in choice.skipped]
    return [_content(entry, ended.get(entry.object)) for entry in choice.entries] + skipped


def _content(entry: Entry, execution: Execution | None) -> dict[str, Any]:
    content = {"object": entry.object, "was": cause(entry)}
    if execution is None:
        return content
    message = execution.message
    return content | {"status": execution.status, "error": execution.error, "message": message}


def _show(deployment: Deployment, choice: Choice, ended: Mapping[str, Execution]) -> None:
    if not choice.entries:
        console.print("no files to load again")
    rows = [(entry, _result(ended.get(entry.object), entry)) for entry in choice.entries]
    rows += [(entry, Text(f"skipped: {reason}", "yellow")) for entry, reason in choice.skipped]
    table = listing("before", "now", Column("file", "key"))
    for entry, result in rows:
        table.add_row(cause(entry), result, entry.object.removeprefix(f"s3://{deployment.source_bucket}/"))
    if rows:
        console.print(table)
    show_remedies(execution.error for execution in ended.values() if execution.error)


def _result(execution: Execution | None, before: Entry) -> Text:
    if execution is None:
        return Text("unchanged (--dry-run)", "dim")
    message = execution.message
    if not _is_loaded(execution):
        return status("failed").append(" again" if execution.error == before.error else f" {execution.error}")
    if message.startswith("Skip"):
        return status("skipped").append(message.removeprefix("Skipped"))
    return status("partly loaded" if is_partly_loaded(execution) else "loaded")
