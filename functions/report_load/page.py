"""The report of a load as one HTML page, which works without scripts and without network access.

`page` renders page.html. `_row_values` and `_field_values` compute the sections about rows and fields, `_runbook` the
entry about the error of a failed load. The template formats numbers with `_number`, `_moment` and `_duration`.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from functions.report_load.charts import HEIGHT, WIDTH, charts
from functions.report_load.latencies import latencies
from functions.report_load.runbook import Entry, entry
from functions.report_load.timeline import Lane, lanes
from shared.datasets import DATASETS
from shared.load_totals import Outcomes
from shared.plausibility import format_duration
from shared.responses import LoadData, LoadReport

REASONS = 40
"""How many reasons to show, each with its samples. The page counts the rows with other reasons."""


def page(report: LoadReport, outcomes: Outcomes) -> str:
    """Return the page of a report, with the outcomes that the report contains."""
    response, now = report["response"], datetime.now(UTC)
    states = lanes(report, outcomes, datetime.fromisoformat(response["timestamp"]).replace(tzinfo=UTC), now)
    content: str = _template().render(
        report=report,
        response=response,
        data=response["data"],
        outcomes=outcomes,
        lanes=states,
        now=now.isoformat(),
        rates=_rates(outcomes, states),
        latencies=latencies(outcomes),
        runbook=_runbook(report),
        plausibility=report["plausibility"] if outcomes.parts else None,
        **_row_values(response["data"], outcomes),
        **_field_values(response["data"], outcomes),
    )
    return content


def _row_values(data: LoadData, outcomes: Outcomes) -> dict[str, Any]:
    """Return the rows by result, and the reasons; `unlisted` counts the rows whose reason is not shown."""
    reasons = outcomes.reasons[:REASONS]
    total = sum(outcomes.set_aside.values()) + outcomes.points_rejected
    unlisted = total - sum(reason["rows"] for reason in reasons)
    return {"rows": _rows(data, outcomes), "reasons": reasons, "unlisted": unlisted}


def _field_values(data: LoadData, outcomes: Outcomes) -> dict[str, Any]:
    """Return the charts of the fields, and the names of the fields without values."""
    profiles = [part["profile"] for part in outcomes.parts if part["profile"]]
    field_charts = charts(profiles)
    fields = {name for profile in profiles for name in profile["fields"]}
    without_values = fields - {chart.field for chart in field_charts}
    dataset = DATASETS.get(data["dataset_type"] or "")
    return {
        "charts": field_charts,
        "width": WIDTH,
        "height": HEIGHT,
        "without_values": sorted(without_values),
        "units": {field.name: field.unit for field in dataset.fields} if dataset else {},
    }


def _rows(data: LoadData, outcomes: Outcomes) -> list[tuple[str, str, int]]:
    """Return (style, label, rows) for each result that rows of the file have, "not converted" being one of them."""
    kinds = [
        ("good", "points stored in InfluxDB", outcomes.points_written),
        ("bad", "points that InfluxDB rejected", outcomes.points_rejected),
        ("plain", "points that a newer revision superseded", outcomes.superseded),
        ("odd", "points that may be stored: InfluxDB did not acknowledge them", outcomes.accounts.unknown),
        ("bad", "points that were not sent", outcomes.accounts.not_sent),
        ("plain", "collapsed: they repeat another row exactly", outcomes.collapsed),
        *(("odd", f"set aside: {rule}", rows) for rule, rows in outcomes.set_aside.items()),
    ]
    unconverted = data["conversion_stats"]["input_rows"] - sum(rows for _, _, rows in kinds)
    return [kind for kind in (*kinds, ("bad", "not converted", unconverted)) if kind[2]]


def _rates(outcomes: Outcomes, states: list[Lane]) -> list[tuple[str, float]]:
    """Return (label, rate per second) of the two long states, without their waits."""
    seconds = {lane.state: lane.seconds for lane in states}
    rows = sum(part["rows"] for part in outcomes.parts)
    work = (("ConvertAndChunk", "rows converted", rows), ("WriteBatch", "points written", outcomes.points_written))
    return [(label, count / seconds[state]) for state, label, count in work if count and seconds.get(state)]


def _runbook(report: LoadReport) -> Entry | None:
    """Return the runbook's section about the error of a failed load, with this load's facts in its command."""
    data, execution = report["response"]["data"], report["execution"]
    if "error" not in data:
        return None
    facts = {
        "key": data.get("key"),
        "load id": data.get("load_id"),
        "dataset": data["dataset_type"],
        "execution": execution["id"],
        "execution name": execution["name"],
    }
    return entry(data["error"], {name: value for name, value in facts.items() if value})


def _number(value: float) -> str:
    """Format a number: whole if it is an integer or large, otherwise with four significant digits."""
    return f"{value:,.0f}" if isinstance(value, int) or 1000 <= abs(value) < 1e15 else f"{value:.4g}"  # noqa: PLR2004


def _moment(time_ns: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)
    return at.strftime("%Y-%m-%d %H:%M")


def _duration(time_ns: int) -> str:
    """Format a duration as a whole number of the largest unit that allows one: 90 s are "90 s", 120 s are "2 min"."""
    units = (("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 10**9))
    name, unit = next(((name, unit) for name, unit in units if time_ns % unit == 0), ("ns", 1))
    return f"{time_ns // unit:,} {name}"


@cache
def _template() -> Any:
    """Compile the template at its first use: together with the import of Jinja, that takes longer than most imports."""
    from jinja2 import Environment, FileSystemLoader  # noqa: PLC0415 - not in a cold start

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "moment": _moment, "span": format_duration, "duration": _duration}
    return environment.get_template("page.html")
