"""`loader history`: list the loads in the ledger."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.deployed.buckets import Buckets, read_buckets
from cli.deployed.ledger import PARTLY_LOADED, Entry, entries, filter_of
from cli.deployed.stack import Deployment, page_key
from cli.listing import Cell, Column
from cli.moments import Moment
from cli.options import AsJson, Dataset, Prefix, Since, Stack, Until
from cli.output import advise, console, listing, quantity, show_json, status, stderr
from shared.ledger import STATUSES, object_name
from shared.settings import STACK_NAME

COLUMNS = (
    Column("changed (UTC)"),
    Column("status"),
    Column("load"),
    Column("rows", "number", optional=True),
    Column("points", "number", optional=True),
    Column("duration", "number", optional=True),
    Column("file", "key"),
    Column("reason", "note"),
)

HOW_TO_LOAD = "To start one, run `loader load FILE` or `loader backfill PREFIX`."
HOW_TO_FIND = "To see more, leave out the prefix or an option. A prefix is the start of a key, such as dataset=NAME/."

Status = Annotated[
    str,
    typer.Option(
        "--status",
        help=f"Only this status: {', '.join((*STATUSES, PARTLY_LOADED))}. A claimed load is still running.",
        autocompletion=lambda: [*STATUSES, PARTLY_LOADED],
    ),
]
Limit = Annotated[int, typer.Option("--limit", help="The maximum number of loads to list.", min=1)]


def history(
    prefix: Prefix = "",
    *,
    status: Status = "",
    dataset: Dataset = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 30,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """List loads and their status, with the most recent change first."""
    deployment = Deployment(stack)
    filter_ = filter_of(deployment, prefix, status=status, dataset=dataset, since=since, until=until)
    with stderr.status("reading the ledger"):
        loads = list(islice(entries(deployment, filter_), limit + 1))
        buckets = _read_buckets(deployment, loads[:limit])
    if as_json:
        show_json([_content(deployment, entry, buckets) for entry in loads[:limit]])
    else:
        _show(deployment, loads[:limit], buckets, filtered=any((prefix, status, dataset, since, until)))
        if len(loads) > limit:
            console.print(f"There are more loads. To list them, add --limit {limit * 10}.", style="dim")


def _read_buckets(deployment: Deployment, loads: Sequence[Entry]) -> Buckets:
    """Return the current ids of the buckets, if any of the loads can be compared with them."""
    checkable = any(entry.status == "loaded" and entry.bucket_id for entry in loads)
    return read_buckets(deployment) if checkable else Buckets()


def _check(entry: Entry, buckets: Buckets) -> str:
    """Return whether the bucket of a load is the current one; "" for a load that is not in InfluxDB."""
    return buckets.check(entry.dataset, entry.bucket_id) if entry.status == "loaded" else ""


def _content(deployment: Deployment, entry: Entry, buckets: Buckets) -> dict[str, Any]:
    content = asdict(entry)
    times = {name: value.isoformat() for name, value in content.items() if isinstance(value, datetime)}
    page = object_name(deployment.work_bucket, page_key(entry.report)) if entry.report else ""
    more = {"lease_ended": entry.abandoned(datetime.now(UTC)), "report_page": page, "bucket": _check(entry, buckets)}
    return content | times | more


def _show(deployment: Deployment, loads: Sequence[Entry], buckets: Buckets, *, filtered: bool) -> None:
    if not loads:
        console.print("no loads found")
        advise(HOW_TO_FIND if filtered else HOW_TO_LOAD)
        return
    table, now = listing(*COLUMNS), datetime.now(UTC)
    for entry in loads:
        table.add_row(*_row(deployment, entry, now, buckets))
    console.print(table)
    _show_unchecked(loads, buckets)


def _show_unchecked(loads: Sequence[Entry], buckets: Buckets) -> None:
    """Print for how many loads it is unknown whether their bucket was replaced, and why."""
    if unchecked := sum(_check(entry, buckets) == "not checkable" for entry in loads):
        problem = f" ({buckets.problem})" if buckets.problem else ""
        console.print(
            f"Not checkable: whether the InfluxDB bucket of {quantity(unchecked, 'load')} was replaced{problem}",
            style="dim",
            soft_wrap=True,
            markup=False,
        )


def _row(deployment: Deployment, entry: Entry, now: datetime, buckets: Buckets) -> list[Cell]:
    """Return the cells of one load. Its ID links to its page, in terminals that support links."""
    rows, points = (f"{count:,}" if count else "" for count in (entry.input_rows, entry.points_written))
    ended_at = None if entry.lease_until else entry.load_ended_at or entry.changed_at
    duration = f"{(ended_at - entry.claimed_at).total_seconds():.0f} s" if ended_at and entry.claimed_at else ""
    link = f"link {deployment.page_url(entry.report)}" if entry.report else ""
    load = Text(entry.load_id[:8] or entry.execution.rpartition(":")[2][:8], link)
    state = Text("abandoned", "bold red") if entry.abandoned(now) else status(entry.verdict or entry.status)
    name = entry.object.removeprefix(f"s3://{deployment.source_bucket}/")
    reason = Text(_reason(deployment, entry, now, buckets), "dim")
    return [Moment(entry.changed_at, now), state, load, rows, points, duration, name, reason]


def _next_try(entry: Entry, now: datetime) -> str:
    """Return when the next sweep loads a version again, and how often it was tried."""
    due = entry.next_try_at
    when = f"at {due:%H:%M} UTC" if due and due > now else "in the next sweep"
    return f"next try {when}, try {max(entry.tries, 1) + 1}"


def _reason(deployment: Deployment, entry: Entry, now: datetime, buckets: Buckets) -> str:
    """Return why a load is not loaded, or what it waits for; "" if there is nothing to say."""
    if deployment.sweeps and entry.next_try_at and (entry.status == "failed" or entry.abandoned(now)):
        return ", ".join(filter(None, (entry.error, _next_try(entry, now))))
    if entry.abandoned(now):
        return "run `loader retry` to load it again"
    if entry.lease_until:
        return f"running; its claim expires at {entry.lease_until:%H:%M} UTC"
    if _check(entry, buckets) == "replaced":
        return "its InfluxDB bucket was replaced: run `loader backfill` to load it again"
    return entry.error or entry.message
