"""The handler of states CheckSeries, ReportLoad, ReportSkip and ReportFailure.

CheckSeries runs before the first write if a file has several parts (`check_file`); the others end an execution.
`_report_load` and `_report_failure` read the outcomes, build the response, and publish it: the report goes to the work
bucket and the metrics to CloudWatch (`_publish`). `_report_skip` only builds the response.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.report_load.file_limits import check_file
from functions.report_load.footprint import footprint_to_settle
from functions.report_load.registrations import end_registrations, withdraw_former_versions
from functions.report_load.report import store_report
from functions.report_load.response import failure, skip, success
from shared.aws_clients import s3_client
from shared.balance import check_accounts
from shared.events import FailureSummary, LoadState, SeriesCount
from shared.fail_cause import fail_cause
from shared.load_limits import check_any_points, check_rejected
from shared.load_totals import Outcomes
from shared.logs import load_keys, log_invocations
from shared.metrics import LoadMetrics, emit
from shared.outcomes import read_outcomes
from shared.responses import LoadData, Response
from shared.settings import max_rejected_rate
from shared.state_calls import ReportCall, read_call
from shared.work_bucket import UNPLANNED, end_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@log_invocations
def lambda_handler(
    event: ReportCall | LoadState,
    context: LambdaContext,  # noqa: ARG001
) -> Response[LoadData] | FailureSummary | SeriesCount:
    """Check the limits of a file, or report a load, a skipped object or a failure, depending on the calling state."""
    call, now = read_call(event, _infer_state), datetime.now(UTC)
    if call["state"] == "CheckSeries":
        return check_file(s3_client(), call["input"])
    if call["state"] == "ReportSkip":
        return skip(call["input"], now)
    report = _report_failure if call["state"] == "ReportFailure" else _report_load
    return report(s3_client(), call["input"], now)


def _infer_state(load: LoadState) -> Literal["CheckSeries", "ReportLoad", "ReportSkip", "ReportFailure"]:
    if "error" in load:
        return "ReportFailure"
    return "ReportSkip" if load["file"]["skipped"] else "ReportLoad"


def _report_load(client: "S3Client", state: LoadState, now: datetime) -> Response[LoadData]:
    file = state["file"]
    outcomes = read_outcomes(client, file["load_id"], state["execution"]["name"])
    check_accounts(outcomes, file["rows"])
    check_any_points(outcomes, file)
    check_rejected(outcomes, max_rejected_rate())
    if file.get("has_other_versions"):
        withdraw_former_versions(client, state, now)
    response = success(state, outcomes, now)
    _publish(client, state, outcomes, response)
    return response


def _report_failure(client: "S3Client", state: LoadState, now: datetime) -> FailureSummary:
    load_id, execution = state["file"]["load_id"] if "file" in state else UNPLANNED, state["execution"]["name"]
    if "converted" in state:
        # A WriteBatch may still start: the Map only stops waiting for its other iterations. WriteBatch stores that it
        # is running before it looks for this object, so what it sends is either seen here, or not sent at all.
        put_json(client, end_key(load_id, execution), {"ended_at": now.isoformat()})
    outcomes = read_outcomes(client, load_id, execution)
    end_registrations(client, state, outcomes, now)
    response = failure(state, outcomes, now)
    _publish(client, state, outcomes, response)
    return {
        "error": state["error"]["Error"],
        "cause": fail_cause(response),
        "message": response["message"],
        "report": response["data"]["report"],
        "points": cast("Mapping[str, int]", response["data"]["points"]),
        "footprint": cast("Mapping[str, str]", footprint_to_settle(state, response["data"]["footprint"])),
    }


def _publish(client: "S3Client", state: LoadState, outcomes: Outcomes, response: Response[LoadData]) -> None:
    # The report comes first: if storing it fails and the state is retried, the metrics are still emitted only once.
    store_report(client, state, outcomes, response)
    dataset = state["file"]["dataset"] if "file" in state else ""
    emit(_metrics(state, outcomes, response["data"]), dataset=dataset, metadata=load_keys(state))


def _metrics(state: LoadState, outcomes: Outcomes, data: LoadData) -> LoadMetrics:
    return LoadMetrics(
        accounts=outcomes.accounts,
        batches_processed=outcomes.batches_processed,
        processing_seconds=data["processing_time_seconds"],
        rows_set_aside=sum(outcomes.set_aside.values()),
        set_aside_rate=sum(outcomes.set_aside.values()) / max(1, data["conversion_stats"]["input_rows"]),
        conversion_rate=data["conversion_stats"]["conversion_rate"],
        success_rate=outcomes.success_rate,
        failed_batches=outcomes.failed_batches,
        error=state["error"]["Error"] if "error" in state else "",
    )
