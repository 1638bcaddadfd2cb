"""The handler of states ReportBackfill and ReportGivenUp, which report every file that is not loaded, and why."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.report_backfill.load_status import load_status
from functions.report_backfill.response import failure, success
from shared.aws_clients import s3_client
from shared.events import BackfillState, FailureSummary
from shared.fail_cause import fail_cause
from shared.logs import log_invocations
from shared.responses import BackfillData, BackfillReport, Response
from shared.state_calls import BackfillCall, read_call
from shared.sweep_lease import release_lease
from shared.work_bucket import backfill_report_key, put_json


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
    return response
