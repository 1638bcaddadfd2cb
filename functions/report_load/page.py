"""The load report as one HTML page that needs nothing else: no script, no network."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from functions.report_load.charts import HEIGHT, WIDTH, charts
from functions.report_load.latencies import latencies
from functions.report_load.runbook import Entry, entry
from functions.report_load.timeline import Lane, lanes
from shared.datasets import DATASETS
from shared.load_totals import Outcomes

REASONS = 40
"""Shown, each with its samples; what they leave out is counted."""


def page(report: Mapping[str, Any], outcomes: Outcomes) -> str:
    """Of the report as it is stored."""
    answer, drawn_at = report["response"], datetime.now(UTC)
    states = lanes(report, outcomes, datetime.fromisoformat(answer["timestamp"]).replace(tzinfo=UTC), drawn_at)
    content: str = _TEMPLATE.render(
        report=report,
        answer=answer,
        data=answer["data"],
        outcomes=outcomes,
        lanes=states,
        drawn_at=drawn_at.isoformat(),
        rates=_rates(outcomes, states),
        latencies=latencies(outcomes),
        runbook=_runbook(report),
        **_of_rows(answer["data"], outcomes),
        **_of_fields(answer["data"], outcomes),
    )
    return content


def _of_rows(data: Mapping[str, Any], outcomes: Outcomes) -> dict[str, Any]:
    """Where they ended, and why; `unexplained` are those whose reason is not shown."""
    reasons = outcomes.reasons[:REASONS]
    aside = sum(outcomes.set_aside.values()) + outcomes.points_rejected
    unexplained = aside - sum(reason["rows"] for reason in reasons)
    return {"rows": _rows(data, outcomes), "reasons": reasons, "unexplained": unexplained}


def _of_fields(data: Mapping[str, Any], outcomes: Outcomes) -> dict[str, Any]:
    """Their charts; a field `without_values` has none."""
    profiles = [part["profile"] for part in outcomes.parts if part["profile"]]
    drawn = charts(profiles)
    without_values = {name for profile in profiles for name in profile["fields"]} - {chart.field for chart in drawn}
    dataset = DATASETS.get(data["dataset_type"] or "")
    return {
        "charts": drawn,
        "width": WIDTH,
        "height": HEIGHT,
        "without_values": sorted(without_values),
        "units": {field.name: field.unit for field in dataset.fields} if dataset else {},
    }


def _rows(data: Mapping[str, Any], outcomes: Outcomes) -> list[tuple[str, str, int]]:
    """(kind, words, rows) of every place where a row of the file ended, and what is not known of."""
    kinds = [
        ("good", "points in InfluxDB", outcomes.points_written),
        ("bad", "points that InfluxDB refused", outcomes.points_rejected),
        ("bad", "points not written", outcomes.points - outcomes.points_written - outcomes.points_rejected),
        ("plain", "exact repetitions, collapsed", outcomes.collapsed),
        *(("odd", f"set aside: {rule}", rows) for rule, rows in outcomes.set_aside.items()),
    ]
    unknown = data["conversion_stats"]["input_rows"] - sum(rows for _, _, rows in kinds)
    return [kind for kind in (*kinds, ("bad", "not converted", unknown)) if kind[2]]


def _rates(outcomes: Outcomes, states: list[Lane]) -> list[tuple[str, float]]:
    """What the two long states did in a second, waits left out."""
    seconds = {lane.state: lane.seconds for lane in states}
    rows = sum(part["rows"] for part in outcomes.parts)
    done = (("ConvertAndChunk", "rows converted", rows), ("WriteBatch", "points written", outcomes.points_written))
    return [(words, count / seconds[state]) for state, words, count in done if count and seconds.get(state)]


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
