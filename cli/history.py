"""`loader history`: what was loaded, what failed, and when."""

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.text import Text

from cli.deployment import STACK, Deployment
from cli.options import AsJson, Dataset, Prefix, Since, Stack
from cli.past_loads import Entry, Filter, entries
from cli.refusals import RefusedError
from cli.screen import ago, beside, console, listing, show_json, status

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
STATUSES = ("loaded", "failed", "skipped", "running")

Status = Annotated[str, typer.Option("--status", help=f"only these: {', '.join(STATUSES)}")]
Limit = Annotated[int, typer.Option("--limit", help="so many at most", min=1)]


def history(
    prefix: Prefix = "",
    *,
    status: Status = "",
    dataset: Dataset = "",
    since: Since = "",
    limit: Limit = 30,
    stack: Stack = STACK,
    as_json: AsJson = False,
) -> None:
    """List loads, the newest first."""
    if status not in ("", *STATUSES):
        raise RefusedError(f"no status {status!r}: there are {', '.join(STATUSES)}")
    wanted = Filter(prefix=prefix, status=status, dataset=dataset, since=moment_of(since))
    with beside.status("reading the executions"):
        found = entries(Deployment(stack), wanted)
    if as_json:
        show_json([_content(entry) for entry in found[:limit]])
    else:
        _show(found, limit)


def moment_of(since: str) -> datetime | None:
    """`90m`, `2d`, or an ISO 8601 time (UTC unless it says otherwise); None for "". Raises RefusedError."""
    if not since:
        return None
    if ago_given := re.fullmatch(r"(\d{1,6})([smhdw])", since):
        return datetime.now(UTC) - timedelta(**{UNITS[ago_given[2]]: int(ago_given[1])})
    try:
        given = datetime.fromisoformat(since)
    except ValueError as error:
        raise RefusedError(f"{since!r} is no time: write 90m, 6h, 2d, or 2024-01-31T12:00") from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def _content(entry: Entry) -> dict[str, object]:
    times = {name: time.isoformat() if time else None for name, time in _times(entry).items()}
    return asdict(entry) | times


def _times(entry: Entry) -> dict[str, datetime | None]:
    return {"started_at": entry.started_at, "ended_at": entry.ended_at}


def _show(found: list[Entry], limit: int) -> None:
    table, now = (
        listing("when", "status", "load", "#rows", "#points", "#took", "object, and why not"),
        datetime.now(UTC),
    )
    for entry in found[:limit]:
        took = f"{(entry.ended_at - entry.started_at).total_seconds():.0f} s" if entry.ended_at else ""
        rows, points = (f"{count:,}" if count else "" for count in (entry.input_rows, entry.points_written))
        where = Text(entry.object.removeprefix("s3://").partition("/")[2])
        if why := entry.error or entry.message:
            where.append(f"  {why}", "dim")
        said = status(entry.status)
        table.add_row(ago(entry.started_at, now), said, entry.load_id[:8], rows, points, took, where)
    console.print(table if found else "no loads")
    if len(found) > limit:
        console.print(f"and {len(found) - limit:,} more (--limit)", style="dim")
