"""`loader coverage`: show which days the loaded files cover, and where series are missing."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.coverage import Coverage, Period, measure_coverage, stretches
from cli.coverage_page import render_page
from cli.deployed.ledger import filter_of, items_with_status
from cli.deployed.stack import Deployment
from cli.listing import Column
from cli.options import AsJson, Dataset, Prefix, Stack
from cli.output import console, listing, quantity, show_json, stderr
from shared.settings import STACK_NAME

Html = Annotated[Path | None, typer.Option("--html", help="Write a page with a heat map to this file.", dir_okay=False)]


def coverage(
    prefix: Prefix = "", *, dataset: Dataset = "", html: Html = None, stack: Stack = STACK_NAME, as_json: AsJson = False
) -> None:
    """Show the points and series of each day that the loaded files cover, with gaps and partly loaded files."""
    deployment = Deployment(stack)
    filter_ = filter_of(deployment, prefix, dataset=dataset)
    with stderr.status("reading the ledger"):
        coverages = measure_coverage(items_with_status(deployment, "loaded", filter_))
    if html:
        html.write_text(render_page(coverages), encoding="utf-8")
    if as_json:
        show_json([_content(each) for each in coverages])
        return
    if not coverages:
        console.print("no loaded files found")
    for each in coverages:
        _show(each)


def _content(each: Coverage) -> dict[str, Any]:
    periods = [period._asdict() | {"missing_series": each.missing_series(period)} for period in each.periods]
    return {
        "dataset": each.dataset,
        "files": each.files,
        "partly_loaded": each.partly_loaded,
        "unknown": each.unknown,
        "usual_series": each.usual_series,
        "periods": periods,
    }


def _show(each: Coverage) -> None:
    title = f"{each.dataset}: {quantity(each.files, 'file')}, usually {each.usual_series:,} series"
    table = listing("from", "to", "#points each", "#series", Column("note", "note"), title=title)
    for first, last, _ in stretches(each.periods):
        table.add_row(first.period, last.period, f"{first.points:,}", f"{first.series:,}", _note(each, first))
    console.print(table)
    if each.unknown:
        console.print(
            f"Not included: {quantity(len(each.unknown), 'file')} that an earlier release loaded, such as "
            f"{each.unknown[0]}. To include them, run `loader footprints`.",
            style="dim",
            soft_wrap=True,
            markup=False,
        )


def _note(each: Coverage, period: Period) -> Text:
    """Return what is wrong with a period, "" if nothing is."""
    if not period.points:
        return Text("no points", "bold red")
    notes = Text()
    if missing := each.missing_series(period):
        notes.append(f"{missing:,} series missing  ", "yellow")
    if period.partly_loaded:
        notes.append(f"{quantity(period.partly_loaded, 'file')} partly loaded", "bold dark_orange")
    return notes
