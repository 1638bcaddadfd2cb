"""The report of a load as one HTML page, which works without network access, and without scripts except for copying.

`page` renders page.html. `_row_values` and `_field_values` compute the sections about rows and fields, `_runbook` the
entry about the error of a failed load.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from functions.report_load.charts import charts
from functions.report_load.chunk_rows import chunk_rows
from functions.report_load.destination import destination
from functions.report_load.latencies import latencies
from functions.report_load.links import links
from functions.report_load.runbook import Entry, entry
from functions.report_load.scale import HEIGHT, WIDTH
from functions.report_load.timeline import Lane, lanes
from shared.datasets import DATASETS
from shared.load_totals import Outcomes
from shared.pages.rendering import template
from shared.responses import LoadData, LoadReport
from shared.settings import default_bucket

TEMPLATE = Path(__file__).with_name("page.html")

REASONS = 40
"""How many reasons to show, each with its samples. The page counts the rows with other reasons."""


def page(report: LoadReport, outcomes: Outcomes) -> str:
    """Return the page of a report, with the outcomes that the report contains."""
    response, now = report["response"], datetime.now(UTC)
    states = lanes(report, outcomes, datetime.fromisoformat(response["timestamp"]).replace(tzinfo=UTC), now)
    content: str = template(TEMPLATE).render(
        report=report,
        response=response,
        data=response["data"],
        outcomes=outcomes,
        lanes=states,
        now=now.isoformat(),
        rates=_rates(outcomes, states),
        latencies=latencies(outcomes),
        chunks=chunk_rows(outcomes),
        links=links(report, outcomes, now),
        runbook=_runbook(report),
        plausibility=report["plausibility"] if outcomes.parts or report["plausibility"]["warnings"] else None,
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
        "destination": destination(dataset, outcomes, default_bucket()) if dataset else None,
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
