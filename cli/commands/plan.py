"""`loader plan`: show what a load of a file would do, without writing anything.

`_plan` runs the conversion on this machine; `_content` and `_show` print the result as JSON and as text.
"""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli.deployed.buckets import read_buckets
from cli.deployed.stack import Deployment
from cli.options import AsJson, DatasetName, Stack, Target
from cli.output import console, facts, iso_time, listing, progress, quantity, show_json, size, status
from cli.targets import parse_target
from shared.datasets import dataset_of
from shared.events import PlannedFile
from shared.plausibility import format_duration
from shared.settings import STACK_NAME, conversion_settings

if TYPE_CHECKING:
    from cli.dry_run import Plan
    from shared.load_totals import Outcomes
    from shared.plausibility import Plausibility

Detached = Annotated[
    bool,
    typer.Option(
        "--detached", help="Use the settings of this environment, such as MAX_BATCH_SIZE, instead of a deployment's."
    ),
]
NO_BUCKET = "SOURCE-BUCKET"
"""Stands for the name of the source bucket in messages, if there is no deployment."""


def plan(
    target: Target,
    *,
    dataset: DatasetName = "",
    stack: Stack = STACK_NAME,
    detached: Detached = False,
    as_json: AsJson = False,
) -> None:
    """Show what a load of a file would do, without writing anything.

    Converts the file on this machine, with the code and the settings of the deployed loader.
    """
    result = _plan(target, dataset, Deployment(stack), detached=detached)
    if as_json:
        show_json(_content(result))
    else:
        _show(result, target)
    raise typer.Exit(1 if result.error else 0)


def _plan(target: str, dataset: str, deployment: Deployment, *, detached: bool) -> "Plan":
    # This import loads pyarrow, which takes half a second that other commands need not spend.
    from cli import dry_run  # noqa: PLC0415

    source = parse_target(target, dataset)
    environment = os.environ if detached else deployment.conversion_environment()
    with progress() as bar:
        task = bar.add_task("reading the footer", total=None)

        def show_rows(file: PlannedFile) -> None:
            bar.update(task, total=file["rows"] or 1, description=f"converting {quantity(file['rows'], 'row')}")

        return dry_run.plan(
            source,
            client=deployment.s3,
            bucket=NO_BUCKET if detached else deployment.source_bucket,
            settings=conversion_settings(environment),
            on_file=show_rows,
            on_chunk=lambda points: bar.advance(task, points),
            shard_seconds=lambda dataset: (
                None if detached else read_buckets(deployment).shard_seconds.get(dataset.name)
            ),
        )


def _content(result: "Plan") -> dict[str, Any]:
    """Return the plan for `--json`. Keys that a load's response has too mean the same there."""
    file, outcomes = result.file, result.outcomes
    return {
        "message": _message(result),
        "error": type(result.error).__name__ if result.error else None,
        "key": file["key"] if file else None,
        "dataset_type": file["dataset"] if file else None,
        "layout": file["layout"] if file else None,
        "input_rows": file["rows"] if file else 0,
        "parts": len(outcomes.parts),
        "compressed_bytes": result.tally.packed_bytes,
        "first_lines": result.tally.first_lines,
        "plausibility": result.plausibility,
        **_counts(outcomes),
    }


def _counts(outcomes: "Outcomes") -> dict[str, Any]:
    first_ns, last_ns = outcomes.span or (None, None)
    return {
        "output_points": outcomes.points,
        "collapsed_rows": outcomes.collapsed,
        "set_aside_rows": outcomes.set_aside,
        "set_aside_reasons": outcomes.reasons,
        "collision_columns": outcomes.collision_columns,
        "fields_left_out": outcomes.fields_left_out,
        "out_of_bounds": outcomes.out_of_bounds,
        "ignored_columns": outcomes.ignored_columns,
        "series": outcomes.series,
        "batches": outcomes.batches_planned,
        "chunks": outcomes.chunks_planned,
        "body_bytes": outcomes.body_bytes,
        "first_ns": first_ns,
        "last_ns": last_ns,
    }


def _message(result: "Plan") -> str:
    if result.skipped:
        return f"would be skipped: {result.skipped}"
    return f"would fail: {result.error}" if result.error else "would load"


def _show(result: "Plan", target: str) -> None:
    verdict = "failed" if result.error else "skipped" if result.skipped else "loaded"
    error = f"would fail with {type(result.error).__name__}: {result.error}" if result.error else ""
    line = Text.assemble((target, "bold"), "  ", (error or _message(result), status(verdict).style))
    console.print(line, soft_wrap=True)
    if result.file:
        console.print(_facts(result, result.file), soft_wrap=True)
    if result.file and result.outcomes.parts:
        console.print(_rows(result.outcomes, result.file["rows"]))
        _show_values(result.outcomes)
    plausibility = result.plausibility
    for label, style, texts in (
        ("Warning", "yellow", plausibility["warnings"]),
        ("Note", "", plausibility["notes"]),
    ):
        for text in texts:
            console.print(Text(f"{label}: {text}", style), soft_wrap=True)
    for line_protocol in result.tally.first_lines:
        console.print(Text(line_protocol, style="dim"), soft_wrap=True)


def _facts(result: "Plan", file: PlannedFile) -> Text:
    outcomes = result.outcomes
    rows = {
        "key": file["key"],
        "dataset": f"{file['dataset']} ({file['layout']} layout), measurement {dataset_of(file['key']).measurement}",
    }
    if outcomes.span:
        # Each part counts its own series, so a series that occurs in several parts is counted several times.
        bound = "at most " if len(outcomes.parts) > 1 else ""
        batches, chunks = quantity(outcomes.batches_planned, "batch", "batches"), outcomes.chunks_planned
        rows |= {
            "time": " to ".join(map(iso_time, outcomes.span)),
            "series": f"{bound}{outcomes.series:,}",
            "shards": _shards(result.plausibility),
            "requests": f"{batches} in {quantity(chunks, 'chunk')}",
            "size": f"{size(outcomes.body_bytes)} of line protocol, {size(result.tally.packed_bytes)} compressed",
        }
    return facts(rows | {"ignored columns": ", ".join(outcomes.ignored_columns)})


def _shards(plausibility: "Plausibility") -> str:
    assumed = " (assumed: the bucket cannot be read)" if plausibility["shard_duration"] == "assumed" else ""
    return f"at most {plausibility['shards']:,} of {format_duration(plausibility['shard_seconds'])}{assumed}"


def _rows(outcomes: "Outcomes", rows: int) -> Table:
    """Return a table in which each row of the file is counted once."""
    table = listing("#rows", "result", "reason")
    table.add_row(f"{outcomes.points:,}", "points", "")
    if outcomes.collapsed:
        table.add_row(f"{outcomes.collapsed:,}", "collapsed", "they repeat another row exactly")
    for reason in outcomes.reasons:
        table.add_row(f"{reason['rows']:,}", f"set aside: {reason['rule']}", reason["reason"])
    if rest := sum(outcomes.set_aside.values()) - sum(reason["rows"] for reason in outcomes.reasons):
        table.add_row(f"{rest:,}", "set aside", "other reasons, each less frequent")
    table.add_row(f"{rows:,}", "rows in the file", "", style="bold")
    return table


def _show_values(outcomes: "Outcomes") -> None:
    counts_by_label = {
        "Values omitted because they are not finite": outcomes.fields_left_out,
        "Values outside the expected range, which are loaded": outcomes.out_of_bounds,
    }
    for label, counts in counts_by_label.items():
        if counts:
            console.print(f"{label}: " + ", ".join(f"{field} {count:,}" for field, count in counts.items()))
    if outcomes.collision_columns:
        columns = ", ".join(outcomes.collision_columns)
        console.print(f"Columns that would distinguish the colliding rows if they were tags: {columns}")
