"""`loader plan`: the dry run."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.deployment import STACK, Deployment
from cli.options import AsJson, DatasetName, Stack, Target
from cli.screen import console, facts, listing, moment, progress, show_json, size, status
from cli.targets import target_of
from shared.datasets import dataset_of
from shared.events import PlannedFile
from shared.settings import conversion_settings

if TYPE_CHECKING:
    from cli.planning import Plan

Detached = Annotated[
    bool, typer.Option("--detached", help="take MAX_BATCH_SIZE … from this environment; needs no deployment")
]


def plan(
    target: Target,
    *,
    dataset: DatasetName = "",
    stack: Stack = STACK,
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
    from cli import planning  # noqa: PLC0415 - pyarrow takes half a second that other commands need not wait

    source = target_of(target, dataset)
    environment = os.environ if detached else deployment.conversion_environment()
    with progress() as bar:
        task = bar.add_task("reading and judging rows", total=None)

        def planned(file: PlannedFile) -> None:
            bar.update(task, total=file["rows"] or 1, description=f"converting {file['rows']:,} rows")

        return planning.plan(
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
        "output_points": outcomes.points,
        "collapsed_rows": outcomes.collapsed,
        "set_aside_rows": outcomes.set_aside,
        "set_aside_reasons": outcomes.reasons,
        "collision_columns": outcomes.collision_columns,
        "fields_left_out": outcomes.fields_left_out,
        "out_of_bounds": outcomes.out_of_bounds,
        "ignored_columns": outcomes.ignored_columns,
        "parts": len(outcomes.parts),
        "series": outcomes.series,
        "batches": outcomes.batches_planned,
        "chunks": outcomes.chunks_planned,
        "body_bytes": outcomes.body_bytes,
        "compressed_bytes": found.tally.packed_bytes,
        "first_ns": outcomes.span[0] if outcomes.span else None,
        "last_ns": outcomes.span[1] if outcomes.span else None,
        "first_lines": found.tally.first_lines,
    }


def _message(found: "Plan") -> str:
    if found.skipped:
        return f"would be skipped: {found.skipped}"
    return f"would fail: {found.error}" if found.error else "would load"


def _show(found: "Plan", target: str) -> None:
    verdict = "loaded" if not (found.error or found.skipped) else "failed" if found.error else "skipped"
    label = f"{type(found.error).__name__}: {found.error}" if found.error else _message(found)
    console.print(Text.assemble((target, "bold"), "  ", Text(label, style=status(verdict).style)))
    if not found.file:
        return
    outcomes, file = found.outcomes, found.file
    count = f"{outcomes.series:,}" if len(outcomes.parts) <= 1 else f"at most {outcomes.series:,}"
    measurement = dataset_of(file["key"]).measurement
    spread = f"{outcomes.batches_planned:,} batches in {outcomes.chunks_planned:,} chunks"
    packed = f"{size(outcomes.body_bytes)} of line protocol, {size(found.tally.packed_bytes)} compressed"
    span = " to ".join(map(moment, outcomes.span)) if outcomes.span else ""
    console.print(
        facts(
            {
                "key": file["key"],
                "dataset": f"{file['dataset']} ({file['layout']} layout), measurement {measurement}",
                "time": span,
                "series": count if outcomes.points else "",
                "requests": spread if outcomes.points else "",
                "bytes": packed if outcomes.points else "",
                "ignored columns": ", ".join(outcomes.ignored_columns),
            }
        ),
        soft_wrap=True,
    )
    if outcomes.parts:
        _show_rows(found, file["rows"])
    for line in found.tally.first_lines:
        console.print(Text(line, style="dim"), soft_wrap=True)


def _show_rows(found: "Plan", rows: int) -> None:
    """Each row of the file is in one line of this table."""
    outcomes = found.outcomes
    table = listing("#rows", "become", "because")
    table.add_row(f"{outcomes.points:,}", "points", "")
    if outcomes.collapsed:
        table.add_row(f"{outcomes.collapsed:,}", "nothing: collapsed", "another row is the same, value by value")
    for reason in outcomes.reasons:
        table.add_row(f"{reason['rows']:,}", f"set aside: {reason['rule']}", reason["reason"])
    table.add_row(f"{rows:,}", "", "", style="bold")
    console.print(table)
    for name, counts in (("not finite, left out", outcomes.fields_left_out), ("out of bounds", outcomes.out_of_bounds)):
        if counts:
            console.print(f"values {name}: " + ", ".join(f"{field} {count:,}" for field, count in counts.items()))
    if outcomes.collision_columns:
        console.print(f"as tags, these would keep colliding rows apart: {', '.join(outcomes.collision_columns)}")
