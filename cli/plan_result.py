"""The result of a dry run, as `loader plan` prints it.

`plan_content` returns it as JSON, and `show_plan` prints it as text. `DeployedState` adds what the deployment knows.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from cli.advice import next_step
from cli.deployed.objects import StoredObject
from cli.deployed.release import Release
from cli.facts import Facts
from cli.listing import Column, Listing
from cli.moments import iso_time
from cli.output import console, facts, listing, quantity, size, status
from shared.bounded_text import MAX_CELL_CHARACTERS, bound
from shared.dataset_keys import dataset_of
from shared.events import PlannedFile
from shared.ledger import BucketCheck
from shared.plausibility import format_duration

if TYPE_CHECKING:
    from cli.dry_run import Plan
    from shared.load_totals import Outcomes
    from shared.plausibility import Plausibility


class DeployedState(NamedTuple):
    """The state of the deployment that matters for a plan.

    `release` compares its code with this checkout, None without a deployment. `stored` is the object that has the key
    now, if any. `bucket` tells whether the InfluxDB bucket into which it was loaded is the current one, None if it is
    not loaded. `declarations` says where the declarations of the datasets come from.
    """

    release: Release | None = None
    stored: StoredObject | None = None
    bucket: BucketCheck | None = None
    declarations: str = ""

    @property
    def ledger(self) -> str:
        """One line about the object that has the key now."""
        if self.stored is None:
            return ""
        meanings = {
            "current": "",
            "replaced": ", but its InfluxDB bucket was replaced since: `loader backfill` loads it again",
            "not checkable": "; not checkable: whether its InfluxDB bucket was replaced since",
            None: "",
        }
        return self.stored.describe(datetime.now(UTC)) + meanings[self.bucket]


def plan_content(result: "Plan", deployed: DeployedState) -> dict[str, Any]:
    """Return the plan for `--json`. Keys that a load's response has too mean the same there."""
    file, outcomes, release = result.file, result.outcomes, deployed.release
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
        "deployed_code": release.code if release else None,
        "deployed_datasets": release.datasets if release else None,
        "declarations": deployed.declarations,
        "status": deployed.stored.status if deployed.stored else None,
        "bucket": deployed.bucket,
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
        "unreadable_columns": outcomes.unreadable_columns,
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


def show_plan(result: "Plan", deployed: DeployedState, target: str) -> None:
    """Print the plan of `target`, as the operator named it."""
    verdict = "failed" if result.error else "skipped" if result.skipped else "loaded"
    error = f"would fail with {type(result.error).__name__}: {result.error}" if result.error else ""
    line = Text.assemble((target, "bold"), "  ", (error or _message(result), status(verdict).style))
    console.print(line, soft_wrap=True)
    if result.error and (step := next_step(result.error)):
        console.print(step, style="dim", soft_wrap=True)
    if result.file:
        console.print(_facts(result, result.file, deployed), soft_wrap=True)
    if result.file and result.outcomes.parts:
        console.print(_rows(result.outcomes, result.file["rows"]))
        _show_values(result.outcomes)
    plausibility = result.plausibility
    differences = [deployed.release.warning] if deployed.release and deployed.release.warning else []
    for label, style, texts in (
        ("Warning", "yellow", [*differences, *plausibility["warnings"]]),
        ("Note", "", plausibility["notes"]),
    ):
        for text in texts:
            console.print(Text(f"{label}: {text}", style), soft_wrap=True)
    for line_protocol in result.tally.first_lines:
        console.print(Text(line_protocol, style="dim"), soft_wrap=True)


def _facts(result: "Plan", file: PlannedFile, deployed: DeployedState) -> Facts:
    outcomes = result.outcomes
    rows = {
        "key": file["key"],
        "object": deployed.ledger,
        "dataset": f"{file['dataset']} ({file['layout']} layout), measurement {dataset_of(file['key']).measurement}",
        "declared in": deployed.declarations,
    }
    if outcomes.span:
        # Each part counts its own series, so a series that occurs in several parts is counted several times.
        limit = "at most " if len(outcomes.parts) > 1 else ""
        batches, chunks = quantity(outcomes.batches_planned, "batch", "batches"), outcomes.chunks_planned
        rows |= {
            "time": " to ".join(map(iso_time, outcomes.span)),
            "series": f"{limit}{outcomes.series:,}",
            "shards": _shards(result.plausibility),
            "requests": f"{batches} in {quantity(chunks, 'chunk')}",
            "size": f"{size(outcomes.body_bytes)} of line protocol, {size(result.tally.packed_bytes)} compressed",
        }
    rows |= {"ignored columns": bound(", ".join(outcomes.ignored_columns), MAX_CELL_CHARACTERS)}
    unreadable = bound(", ".join(outcomes.unreadable_columns), MAX_CELL_CHARACTERS)
    return facts(rows | {"unreadable columns": unreadable})


def _shards(plausibility: "Plausibility") -> str:
    assumed = " (assumed: the bucket cannot be read)" if plausibility["shard_duration"] == "assumed" else ""
    return f"at most {plausibility['shards']:,} of {format_duration(plausibility['shard_seconds'])}{assumed}"


def _rows(outcomes: "Outcomes", rows: int) -> Listing:
    """Return a table in which each row of the file is counted once."""
    table = listing("#rows", "result", Column("reason", "note"))
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
