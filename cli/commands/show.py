"""`loader show`: print the report of one load."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.deployed.names import find_report, undone_message
from cli.deployed.reports import Report
from cli.deployed.stack import Deployment, page_key
from cli.facts import Facts
from cli.listing import Column, Listing
from cli.load_result import show_result
from cli.moments import iso_time
from cli.options import AsJson, Load, Stack
from cli.output import console, facts, listing, show_json, size
from shared.accounts import chunk_accounts
from shared.bounded_text import MAX_CELL_CHARACTERS, bound
from shared.load_totals import Outcomes
from shared.settings import STACK_NAME

Page = Annotated[Path | None, typer.Option("--page", help="Save the report's HTML page to this file.", dir_okay=False)]


def show(load: Load, *, page: Page = None, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Show the report of one load: its rows, chunks and errors."""
    deployment = Deployment(stack)
    report = find_report(deployment, load)
    if page:
        page.write_bytes(deployment.work_object(page_key(report.key)))
    if as_json:
        show_json(report.content)
    else:
        _show(deployment, report)


def _show(deployment: Deployment, report: Report) -> None:
    show_result(deployment, report.response["message"], report.data, report.execution)
    if message := undone_message(deployment, report):
        console.print(Text(message, "yellow"), soft_wrap=True)
    if report.outcomes.parts:
        console.print(_conversion(report.outcomes), soft_wrap=True)
    if report.outcomes.chunks:
        console.print(_writing(report.outcomes))
    for finding in report.content.get("findings", []):
        console.print(Text(f"• {finding}"))


def _conversion(outcomes: Outcomes) -> Facts:
    return facts(
        {
            "time": " to ".join(map(iso_time, outcomes.span)) if outcomes.span else "",
            "series": f"{outcomes.series:,}",
            "line protocol": size(outcomes.body_bytes),
            "ignored columns": bound(", ".join(outcomes.ignored_columns), MAX_CELL_CHARACTERS),
            "unreadable columns": bound(", ".join(outcomes.unreadable_columns), MAX_CELL_CHARACTERS),
            "would distinguish collisions": ", ".join(outcomes.collision_columns),
            "out of bounds": ", ".join(f"{field} {count:,}" for field, count in outcomes.out_of_bounds.items()),
            "not finite": ", ".join(f"{field} {count:,}" for field, count in outcomes.fields_left_out.items()),
        }
    )


def _writing(outcomes: Outcomes) -> Listing:
    """Return a table with one line per chunk."""
    table = listing(
        "chunk",
        "#points",
        "#batches",
        "#requests",
        Column("seconds", "number", optional=True),
        "#rejected",
        "#unknown",
        "started (UTC)",
    )
    for chunk in outcomes.chunks:
        accounts = chunk_accounts(chunk)
        table.add_row(
            chunk["chunk"],
            f"{accounts.stored:,}/{chunk['points']:,}",
            f"{len(chunk['written'])}/{chunk['batches']}",
            f"{chunk['requests']:,}",
            f"{chunk['seconds']:.1f}",
            *(f"{points:,}" if points else "" for points in (accounts.rejected, accounts.unknown)),
            chunk["runs"][0]["started_at"][11:19],
        )
    return table
