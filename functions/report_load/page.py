"""The load report as one HTML page that needs nothing else: no script, no network."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from functions.report_load.charts import HEIGHT, WIDTH, charts
from functions.report_load.outcomes import Outcomes
from functions.report_load.timeline import Lane, lanes
from shared.datasets import DATASETS
from shared.errors import LoaderError, subclasses

MEANINGS = {error.__name__: error.__doc__ for error in subclasses(LoaderError)}
RUNBOOK = "docs/operations.md"


def page(report: Mapping[str, Any], outcomes: Outcomes) -> str:
    """Of the report as it is stored."""
    answer = report["response"]
    end = datetime.fromisoformat(answer["timestamp"]).replace(tzinfo=UTC)
    states = lanes(outcomes, report["execution"]["start_time"], end)
    content: str = _TEMPLATE.render(
        report=report,
        answer=answer,
        data=answer["data"],
        outcomes=outcomes,
        rows=_rows(answer["data"], outcomes),
        lanes=states,
        rates=_rates(outcomes, states),
        latencies=_latencies(outcomes),
        charts=charts([part["profile"] for part in outcomes.parts if part["profile"]]),
        units=_units(report),
        meaning=MEANINGS.get(answer["data"].get("error", "")),
        width=WIDTH,
        height=HEIGHT,
        runbook=RUNBOOK,
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


def _rates(outcomes: Outcomes, states: list[Lane]) -> list[tuple[str, float]]:
    """What the two long states did in a second."""
    seconds = {lane.state: lane.seconds for lane in states}
    rows = sum(part["rows"] for part in outcomes.parts)
    done = (("ConvertParts", "rows converted", rows), ("WriteChunks", "points written", outcomes.points_written))
    return [(words, count / seconds[state]) for state, words, count in done if seconds.get(state)]


def _latencies(outcomes: Outcomes) -> list[tuple[int, int]]:
    """(ms, requests that took at most so long, and longer than the one before)."""
    total: Counter[int] = Counter()
    for chunk in outcomes.chunks:
        total.update({int(bound): requests for bound, requests in chunk["latencies_ms"].items()})
    return sorted(total.items())


def _units(report: Mapping[str, Any]) -> dict[str, str]:
    dataset = DATASETS.get(report["response"]["data"]["dataset_type"] or "")
    return {field.name: field.unit for field in dataset.fields} if dataset else {}


def _number(value: float) -> str:
    """Whole, or with four digits that count."""
    return f"{value:,.0f}" if isinstance(value, int) or 1000 <= abs(value) < 1e15 else f"{value:.4g}"  # noqa: PLR2004


def _moment(time_ns: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)
    return at.strftime("%Y-%m-%d %H:%M")


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "moment": _moment}
    return environment.get_template("page.html")


_TEMPLATE = _template()
