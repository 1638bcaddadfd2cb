"""The load report in the work bucket: JSON for programs, and beside it a page for people."""

from typing import TYPE_CHECKING, Any

from functions.report_load.page import page
from functions.report_load.timeline import failed_state
from shared.events import LoadState, Response
from shared.load_totals import Outcomes
from shared.logs import logger
from shared.settings import work_bucket
from shared.work_bucket import UNPLANNED, findings_key, get_json, put_json, report_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def store_report(client: "S3Client", state: LoadState, outcomes: Outcomes, answer: Response) -> None:
    """Store both, and name them in the answer."""
    file = state.get("file")
    dataset, load_id = (file["dataset"] or UNPLANNED, file["load_id"]) if file else (UNPLANNED, UNPLANNED)
    execution = state["execution"]["name"]
    answer["data"]["report"] = report_key(dataset, load_id, execution, "json")
    page_key = report_key(dataset, load_id, execution, "html")
    answer["data"]["report_page"] = f"s3://{work_bucket()}/{page_key}"
    report = _report(client, state, outcomes, answer)
    put_json(client, answer["data"]["report"], report)
    body = _page(report, outcomes).encode()
    client.put_object(Bucket=work_bucket(), Key=page_key, Body=body, ContentType="text/html; charset=utf-8")


def _page(report: dict[str, Any], outcomes: Outcomes) -> str:
    """A page that cannot be drawn is no reason to call a load failed."""
    try:
        return page(report, outcomes)
    except Exception:  # noqa: BLE001 - whatever it is, it is logged
        logger.exception("the report has no page")
        return "The page could not be drawn; the JSON beside it is complete."


def _report(client: "S3Client", state: LoadState, outcomes: Outcomes, answer: Response) -> dict[str, Any]:
    """Everything that is known of the load."""
    mismatch = state.get("error", {}).get("Error") == "SchemaMismatchError"
    findings = get_json(client, findings_key(state["execution"]["name"])) if mismatch else {"findings": []}
    known = {name: state.get(name) for name in ("event", "execution", "health", "file")}
    failed = {"failed_state": failed_state(state, outcomes) if "error" in state else ""}
    return {"response": answer, "parts": outcomes.parts, "chunks": outcomes.chunks} | known | failed | findings
