"""The handler of states ReportBackfill and ReportGivenUp, which report every file that is not loaded, and why."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.report_backfill.load_status import load_status
from functions.report_backfill.page import page
from functions.report_backfill.response import failure, success
from shared.aws_clients import s3_client
from shared.events import BackfillState, FailureSummary
from shared.fail_cause import fail_cause
from shared.ledger import ledger
from shared.logs import log_invocations, logger
from shared.pages.index import INDEX_KEY, recent_loads, render_index
from shared.responses import BackfillData, BackfillReport, Response
from shared.state_calls import BackfillCall, read_call
from shared.sweep_lease import release_lease
from shared.work_bucket import backfill_page_key, backfill_report_key, put_json, put_page

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@log_invocations
def lambda_handler(
    event: BackfillCall | BackfillState,
    context: LambdaContext,  # noqa: ARG001
) -> Response[BackfillData] | FailureSummary:
    """Store the report, which names every file that is not loaded, and return the response or the failure."""
    call = read_call(event, lambda backfill: "ReportGivenUp" if "error" in backfill else "ReportBackfill")
    response = _report(call["input"], failed=call["state"] == "ReportGivenUp")
    if call["input"].get("sweep"):
        release_lease(call["input"]["execution"]["name"])
    if call["state"] == "ReportBackfill":
        return response
    cause, report = fail_cause(response), response["data"]["report"]
    return {"error": response["data"]["error"], "cause": cause, "message": response["message"], "report": report}


def _report(backfill: BackfillState, *, failed: bool) -> Response[BackfillData]:
    client, now, key = s3_client(), datetime.now(UTC), backfill_report_key(backfill["execution"]["name"])
    files = load_status(client, backfill)
    response = (failure if failed else success)(backfill, files, key, now)
    report: BackfillReport = {
        "response": response,
        "not_loaded": files.not_loaded,
        "partly_loaded": files.partly_loaded,
        "input": backfill,
    }
    put_json(client, key, report)
    _put_page(client, backfill_page_key(backfill["execution"]["name"]), lambda: page(report))
    _put_page(client, INDEX_KEY, lambda: render_index(recent_loads(ledger()), now))
    return response


def _put_page(client: "S3Client", key: str, render: Callable[[], str]) -> None:
    """Store a page. One that cannot be rendered must not fail the backfill."""
    try:
        put_page(client, key, render())
    except Exception:  # noqa: BLE001 - whatever it is, it is logged
        logger.exception("a page of the backfill is missing", page=key)
