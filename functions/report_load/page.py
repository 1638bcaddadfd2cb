"""The load report as one HTML page that needs nothing else: no script, no network."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from functions.report_load.charts import HEIGHT, WIDTH, charts
from functions.report_load.latencies import latencies
from functions.report_load.outcomes import Outcomes
from functions.report_load.runbook import Entry, entry
from functions.report_load.timeline import Lane, lanes
from shared.datasets import DATASETS

REASONS = 40
"""Shown, each with its samples; what they leave out is counted."""


def page(report: Mapping[str, Any], outcomes: Outcomes) -> str:
    """Of the report as it is stored."""
    answer = report["response"]
    reported_at = datetime.fromisoformat(answer["timestamp"]).replace(tzinfo=UTC)
    drawn_at = datetime.now(UTC)
    states = lanes(report, outcomes, reported_at, drawn_at)
    content: str = _TEMPLATE.render(
        report=report,
        answer=answer,
        data=answer["data"],
        outcomes=outcomes,
        rows=_rows(answer["data"], outcomes),
        reasons=outcomes.reasons[:REASONS],
        unexplained=_unexplained(outcomes),
        lanes=states,
        drawn_at=drawn_at.isoformat(),
        rates=_rates(outcomes, states),
        latencies=latencies(outcomes),
        charts=charts([part["profile"] for part in outcomes.parts if part["profile"]]),
        without_values=_without_values(outcomes),
        units=_units(report),
        runbook=_runbook(report),
        width=WIDTH,
        height=HEIGHT,
    )
    return content


def _rows(data: Mapping[str, Any], outcomes: Outcomes) -> list[tuple[str, str, int]]:
    """(kind, words, rows) of every place where a row of the file ended, and what is not known of."""
    kinds = [
        ("good", "points in InfluxDB", outcomes.points_written),
        ("bad", "points that InfluxDB refused", outcomes.points_refused),
        ("bad", "points not written", outcomes.points - outcomes.points_written - outcomes.points_refused),
        ("plain", "exact repetitions, collapsed", outcomes.collapsed),
        *(("odd", f"set aside: {rule}", rows) for rule, rows in outcomes.set_aside.items()),
    ]
    unknown = data["conversion_stats"]["input_rows"] - sum(rows for _, _, rows in kinds)
    return [kind for kind in (*kinds, ("bad", "not converted", unknown)) if kind[2]]


def _unexplained(outcomes: Outcomes) -> int:
    """Rows that were set aside or refused for reasons beyond those shown."""
    rows = sum(outcomes.set_aside.values()) + outcomes.points_refused
    return rows - sum(reason["rows"] for reason in outcomes.reasons[:REASONS])


def _rates(outcomes: Outcomes, states: list[Lane]) -> list[tuple[str, float]]:
    """What the two long states did in a second, waits left out."""
    seconds = {lane.state: lane.seconds for lane in states}
    rows = sum(part["rows"] for part in outcomes.parts)
    done = (("ConvertAndChunk", "rows converted", rows), ("WriteBatch", "points written", outcomes.points_written))
    return [(words, count / seconds[state]) for state, words, count in done if count and seconds.get(state)]


def _without_values(outcomes: Outcomes) -> list[str]:
    """Fields that no point has, and that no chart is drawn of."""
    profiles = [part["profile"]["fields"] for part in outcomes.parts if part["profile"]]
    found = {name for fields in profiles for name, buckets in fields.items() if buckets}
    return sorted({name for fields in profiles for name in fields} - found)


def _units(report: Mapping[str, Any]) -> dict[str, str]:
    dataset = DATASETS.get(report["response"]["data"]["dataset_type"] or "")
    return {field.name: field.unit for field in dataset.fields} if dataset else {}


def _runbook(report: Mapping[str, Any]) -> Entry | None:
    """Of a load that failed, with commands about this load."""
    data, execution = report["response"]["data"], report["execution"]
    known = {"key": "key", "load id": "load_id", "dataset": "dataset_type"}
    about = {name: data[key] for name, key in known.items() if data.get(key)}
    about |= {"execution": execution["id"], "execution name": execution["name"]}
    return entry(data["error"], about) if "error" in data else None


def _number(value: float) -> str:
    """Whole, or with four digits that count."""
    return f"{value:,.0f}" if isinstance(value, int) or 1000 <= abs(value) < 1e15 else f"{value:.4g}"  # noqa: PLR2004


def _moment(time_ns: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)
    return at.strftime("%Y-%m-%d %H:%M")


def _duration(time_ns: int) -> str:
    """In the largest unit that it is a whole number of."""
    units = (("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 10**9))
    name, unit = next(((name, unit) for name, unit in units if time_ns % unit == 0), ("ns", 1))
    return f"{time_ns // unit:,} {name}"


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "moment": _moment, "duration": _duration}
    return environment.get_template("page.html")


_TEMPLATE = _template()
