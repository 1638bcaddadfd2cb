"""States ReportLoad, ReportSkip and ReportFailure: the response, the metrics and the report, once per file."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.report_load import response
from functions.report_load.outcomes import check_accounts, read_outcomes
from functions.report_load.report import store_report
from shared.aws_clients import s3_client
from shared.events import FailureSummary, LoadState, Response
from shared.load_totals import Outcomes, check_any_points
from shared.logs import load_keys, log_invocations
from shared.metrics import LoadMetrics, emit
from shared.state_calls import ReportCall, read_call
from shared.work_bucket import UNPLANNED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@log_invocations
def lambda_handler(event: ReportCall | LoadState, context: LambdaContext) -> Response | FailureSummary:  # noqa: ARG001
    """Report a load, a skipped object or a failure, depending on the state that calls."""
    call, client, now = read_call(event, _infer_state), s3_client(), datetime.now(UTC)
    if call["state"] == "ReportSkip":
        return _report_skip(call["input"], now)
    return (_report_failure if call["state"] == "ReportFailure" else _report_load)(client, call["input"], now)


def _infer_state(load: LoadState) -> Literal["ReportLoad", "ReportSkip", "ReportFailure"]:
    if "error" in load:
        return "ReportFailure"
    return "ReportSkip" if load["file"]["skipped"] else "ReportLoad"


def _report_skip(state: LoadState, now: datetime) -> Response:
    """Return the response. A skipped object is not a load, so it gets no metrics and no report."""
    return response.success(state, Outcomes(), now)


def _report_load(client: "S3Client", state: LoadState, now: datetime) -> Response:
    file = state["file"]
    outcomes = read_outcomes(client, file["load_id"], state["execution"]["name"])
    check_accounts(outcomes, file["rows"])
    check_any_points(outcomes, file)
    return _published(client, state, outcomes, response.success(state, outcomes, now))


def _report_failure(client: "S3Client", state: LoadState, now: datetime) -> FailureSummary:
    load_id = state["file"]["load_id"] if "file" in state else UNPLANNED
    outcomes = read_outcomes(client, load_id, state["execution"]["name"])
    answer = _published(client, state, outcomes, response.failure(state, outcomes, now))
    return {
        "error": state["error"]["Error"],
        "cause": json.dumps(answer, ensure_ascii=False),
        "message": answer["message"],
        "report": answer["data"]["report"],
    }


def _published(client: "S3Client", state: LoadState, outcomes: Outcomes, answer: Response) -> Response:
    """Report first, then metrics: the metrics are counted once even if storing the report has to be retried."""
    store_report(client, state, outcomes, answer)
    dataset = state["file"]["dataset"] if "file" in state else ""
    emit(_metrics(state, outcomes, answer), dataset=dataset, metadata=load_keys(state))
    return answer


def _metrics(state: LoadState, outcomes: Outcomes, answer: Response) -> LoadMetrics:
    return LoadMetrics(
        points_written=outcomes.points_written,
        batches_processed=outcomes.batches_processed,
        processing_seconds=answer["data"]["processing_time_seconds"],
        conversion_rate=answer["data"]["conversion_stats"]["conversion_rate"],
        success_rate=outcomes.success_rate,
        failed_batches=outcomes.failed_batches,
        error=state["error"]["Error"] if "error" in state else "",
    )
