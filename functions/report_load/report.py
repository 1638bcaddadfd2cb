"""The report of a load in the work bucket: JSON for programs, and a page for people."""

from typing import TYPE_CHECKING

from functions.report_load.overlaps import overlap_warnings
from functions.report_load.page import page
from functions.report_load.timeline import failed_state
from shared.datasets import DATASETS
from shared.events import LoadState
from shared.ledger import object_name
from shared.load_totals import Outcomes
from shared.logs import logger
from shared.plausibility import Plausibility, plausibility
from shared.responses import Findings, LoadData, LoadReport, Response
from shared.settings import work_bucket
from shared.stale.report import describe_stale
from shared.tables import describe_table
from shared.work_bucket import findings_key, get_json, put_json, put_page

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def store_report(client: "S3Client", state: LoadState, outcomes: Outcomes, response: Response[LoadData]) -> None:
    """Store the JSON report and its page under the keys that the response names."""
    report = _report(client, state, outcomes, response)
    put_json(client, response["data"]["report"], report)
    page_key = response["data"]["report_page"].removeprefix(f"s3://{work_bucket()}/")
    put_page(client, page_key, _page(report, outcomes))


def _page(report: LoadReport, outcomes: Outcomes) -> str:
    """Return the page. A page that cannot be rendered must not fail the load."""
    try:
        return page(report, outcomes)
    except Exception:  # noqa: BLE001 - whatever it is, it is logged
        logger.exception("the report has no page")
        return "The page could not be rendered. The JSON report next to it is complete."


def _report(client: "S3Client", state: LoadState, outcomes: Outcomes, response: Response[LoadData]) -> LoadReport:
    return {
        "response": response,
        "parts": outcomes.parts,
        "chunks": outcomes.chunks,
        "chunks_again": outcomes.chunks_again,
        "event": state["event"],
        "execution": state["execution"],
        "health": state.get("health"),
        "file": state.get("file"),
        "failed_state": failed_state(state, outcomes) if "error" in state else "",
        **_findings(client, state),
        "plausibility": _plausibility(client, state, outcomes),
    }


def _plausibility(client: "S3Client", state: LoadState, outcomes: Outcomes) -> Plausibility:
    file, health = state.get("file"), state.get("health")
    dataset = DATASETS.get(file["dataset"]) if file else None
    durations = health.get("shard_seconds", {}) if health else {}  # an earlier release did not read them
    summary = plausibility(outcomes, dataset, durations.get(dataset.name) if dataset else None)
    warnings = [*overlap_warnings(client, state), *_stale_warnings(state), *_table_warnings(state)]
    return {**summary, "warnings": [*summary["warnings"], *warnings]}


def _stale_warnings(state: LoadState) -> list[str]:
    """Return the warning of stale points, if FindStale ran and has one."""
    file, stale = state.get("file"), state.get("stale")
    warning = describe_stale(stale, file["key"]) if file and stale else ""
    return [warning] if warning else []


def _table_warnings(state: LoadState) -> list[str]:
    """Return the warning of a Delta or Iceberg table, if the file seems to belong to one."""
    file = state.get("file")
    table = file.get("table") if file else None
    return [describe_table(object_name(file["bucket"], table))] if file and table is not None else []


def _findings(client: "S3Client", state: LoadState) -> Findings:
    """Return what ValidateSchema stored about a SchemaMismatchError; empty lists for any other end."""
    if "error" not in state or state["error"]["Error"] != "SchemaMismatchError":
        return {"findings": [], "columns": []}
    content = get_json(client, findings_key(state["execution"]["name"]))
    return {"findings": content["findings"], "columns": content.get("columns", [])}
