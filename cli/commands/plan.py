"""`loader plan`: the dry run."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli.deployed.stack import Deployment
from cli.options import AsJson, DatasetName, Stack, Target
from cli.output import console, facts, listing, moment, progress, show_json, size, status
from cli.targets import parse_target
from shared.datasets import dataset_of
from shared.events import PlannedFile
from shared.settings import STACK_NAME, conversion_settings

if TYPE_CHECKING:
    from cli.dry_run import Plan
    from shared.load_totals import Outcomes

Detached = Annotated[
    bool, typer.Option("--detached", help="take MAX_BATCH_SIZE … from this environment; needs no deployment")
]


def plan(
    target: Target,
    *,
    dataset: DatasetName = "",
    stack: Stack = STACK_NAME,
    detached: Detached = False,
    as_json: AsJson = False,
) -> None:
    """Tell what a load would do: the deployed conversion runs here, and nothing is written."""
    found = _planned(target, dataset, Deployment(stack), detached=detached)
    if as_json:
        show_json(_content(found))
    else:
        _show(found, target)
    raise typer.Exit(1 if found.error else 0)


def _planned(target: str, dataset: str, deployment: Deployment, *, detached: bool) -> "Plan":
    from cli import dry_run  # noqa: PLC0415 - importing pyarrow takes half a second, which no other command needs

    source = parse_target(target, dataset)
    environment = os.environ if detached else deployment.conversion_environment()
    with progress() as bar:
        task = bar.add_task("reading and judging rows", total=None)

        def planned(file: PlannedFile) -> None:
            bar.update(task, total=file["rows"] or 1, description=f"converting {file['rows']:,} rows")

        return dry_run.plan(
            source,
            client=deployment.s3,
            bucket="" if detached else deployment.source_bucket,
            settings=conversion_settings(environment),
            planned=planned,
            converted=lambda points: bar.advance(task, points),
        )


def _content(found: "Plan") -> dict[str, Any]:
    """Names as in a load's response, as far as that has them."""
    file, outcomes = found.file, found.outcomes
    return {
        "message": _message(found),
        "error": type(found.error).__name__ if found.error else None,
        "key": file["key"] if file else None,
        "dataset_type": file["dataset"] if file else None,
        "layout": file["layout"] if file else None,
        "input_rows": file["rows"] if file else 0,
        "parts": len(outcomes.parts),
        "compressed_bytes": found.tally.packed_bytes,
        "first_lines": found.tally.first_lines,
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


def _message(found: "Plan") -> str:
    if found.skipped:
        return f"would be skipped: {found.skipped}"
    return f"would fail: {found.error}" if found.error else "would load"


def _show(found: "Plan", target: str) -> None:
    verdict = "failed" if found.error else "skipped" if found.skipped else "loaded"
    label = f"{type(found.error).__name__}: {found.error}" if found.error else _message(found)
    console.print(Text.assemble((target, "bold"), "  ", (label, status(verdict).style)), soft_wrap=True)
    if found.file:
        console.print(_facts(found, found.file), soft_wrap=True)
    if found.file and found.outcomes.parts:
        console.print(_rows(found.outcomes, found.file["rows"]))
        _show_values(found.outcomes)
    for line in found.tally.first_lines:
        console.print(Text(line, style="dim"), soft_wrap=True)


def _facts(found: "Plan", file: PlannedFile) -> Text:
    outcomes = found.outcomes
    told = {
        "key": file["key"],
        "dataset": f"{file['dataset']} ({file['layout']} layout), measurement {dataset_of(file['key']).measurement}",
    }
    if outcomes.span:
        about = "at most " if len(outcomes.parts) > 1 else ""  # parts count for themselves
        told |= {
            "time": " to ".join(map(moment, outcomes.span)),
            "series": f"{about}{outcomes.series:,}",
            "requests": f"{outcomes.batches_planned:,} batches in {outcomes.chunks_planned:,} chunks",
            "bytes": f"{size(outcomes.body_bytes)} of line protocol, {size(found.tally.packed_bytes)} compressed",
        }
    return facts(told | {"ignored columns": ", ".join(outcomes.ignored_columns)})


def _rows(outcomes: "Outcomes", rows: int) -> Table:
    """Each row of the file is in one line of this table."""
    table = listing("#rows", "become", "because")
    table.add_row(f"{outcomes.points:,}", "points", "")
    if outcomes.collapsed:
        table.add_row(f"{outcomes.collapsed:,}", "nothing: collapsed", "another row is the same, value by value")
    for reason in outcomes.reasons:
        table.add_row(f"{reason['rows']:,}", f"set aside: {reason['rule']}", reason["reason"])
    if rest := sum(outcomes.set_aside.values()) - sum(reason["rows"] for reason in outcomes.reasons):
        table.add_row(f"{rest:,}", "set aside", "rarer reasons")
    table.add_row(f"{rows:,}", "", "", style="bold")
    return table


def _show_values(outcomes: "Outcomes") -> None:
    for name, counts in (("not finite, left out", outcomes.fields_left_out), ("out of bounds", outcomes.out_of_bounds)):
        if counts:
            console.print(f"values {name}: " + ", ".join(f"{field} {count:,}" for field, count in counts.items()))
    if outcomes.collision_columns:
        console.print(f"as tags, these would keep colliding rows apart: {', '.join(outcomes.collision_columns)}")
