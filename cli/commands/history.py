"""`loader history`: what was loaded, what failed, and when."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.deployed.ledger import Entry, entries, filter_of
from cli.deployed.stack import Deployment, page_key
from cli.options import AsJson, Dataset, Prefix, Since, Stack
from cli.output import ago, console, listing, show_json, status, stderr
from shared.ledger import STATUSES
from shared.settings import STACK_NAME

COLUMNS = ("when", "status", "load", "#rows", "#points", "#took", "file, and why not")
DETAILS, WIDE = ("#rows", "#took"), 100
"""What is left out for the names of files where a line has fewer characters."""

Status = Annotated[str, typer.Option("--status", help=f"only these: {', '.join(STATUSES)} (claimed: being loaded)")]
Limit = Annotated[int, typer.Option("--limit", help="so many at most", min=1)]


def history(
    prefix: Prefix = "",
    *,
    status: Status = "",
    dataset: Dataset = "",
    since: Since = "",
    limit: Limit = 30,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """List files that are loaded, being loaded, failed or skipped, the last change first."""
    deployment = Deployment(stack)
    wanted = filter_of(deployment, prefix, status=status, dataset=dataset, since=since)
    with stderr.status("reading the ledger"):
        found = list(islice(entries(deployment, wanted), limit + 1))
    if as_json:
        show_json([_content(deployment, entry) for entry in found[:limit]])
    else:
        _show(deployment, found[:limit])
        if len(found) > limit:
            console.print(f"and more: --limit {limit * 10}", style="dim")


def _content(deployment: Deployment, entry: Entry) -> dict[str, Any]:
    content = asdict(entry)
    times = {name: value.isoformat() for name, value in content.items() if isinstance(value, datetime)}
    page = f"s3://{deployment.work_bucket}/{page_key(entry.report)}" if entry.report else ""
    return content | times | {"lease_ended": entry.abandoned(datetime.now(UTC)), "report_page": page}


def _show(deployment: Deployment, found: Sequence[Entry]) -> None:
    if not found:
        console.print("no loads")
        stderr.print("`loader load FILE` or `loader backfill PREFIX` begins one", style="dim")
        return
    headers = COLUMNS if console.width >= WIDE else [header for header in COLUMNS if header not in DETAILS]
    table, now = listing(*headers), datetime.now(UTC)
    for entry in found:
        row = dict(zip(COLUMNS, _row(deployment, entry, now), strict=True))
        table.add_row(*(row[header] for header in headers))
    console.print(table)


def _row(deployment: Deployment, entry: Entry, now: datetime) -> list[Text | str]:
    """The load's id leads to its page, in a terminal that can follow links."""
    rows, points = (f"{count:,}" if count else "" for count in (entry.input_rows, entry.points_written))
    settled_after = entry.changed_at - entry.claimed_at if entry.claimed_at and not entry.lease_until else None
    took = f"{settled_after.total_seconds():.0f} s" if settled_after else ""
    link = f"link {deployment.page_url(entry.report)}" if entry.report else ""
    load = Text(entry.load_id[:8] or entry.execution.rpartition(":")[2][:8], link)
    said = Text("abandoned", "bold red") if entry.abandoned(now) else status(entry.status)
    return [ago(entry.changed_at, now), said, load, rows, points, took, _file(deployment, entry, now)]


def _file(deployment: Deployment, entry: Entry, now: datetime) -> Text:
    named = Text(entry.object.removeprefix(f"s3://{deployment.source_bucket}/"))
    why = entry.error or entry.message
    if entry.lease_until:
        why = (
            "`loader retry` loads it again" if entry.abandoned(now) else f"until {entry.lease_until:%H:%M} UTC at most"
        )
    return named.append(f"  {why}", "dim") if why else named
