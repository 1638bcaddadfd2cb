"""States ReportBackfill and ReportGivenUp: names every file under the prefix that is not loaded, and why."""

import json
from datetime import UTC, datetime

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.report_backfill.response import gave_up, success
from functions.report_backfill.standings import standings
from shared.events import BackfillState, FailureSummary, Response
from shared.logs import log_invocations
from shared.work_bucket import backfill_report_key, put_json


@log_invocations
def lambda_handler(event: BackfillState, context: LambdaContext) -> Response | FailureSummary:  # noqa: ARG001
    """ReportGivenUp where the state holds an error, else ReportBackfill. All names go into the report."""
    client, now, key = boto3.client("s3"), datetime.now(UTC), backfill_report_key(event["execution"]["name"])
    found = standings(client, event["bucket"], event["prefix"])
    answer = (gave_up if "error" in event else success)(event, found, key, now)
    put_json(client, key, {"response": answer, "not_loaded": found.not_loaded, "input": event})
    if "error" not in event:
        return answer
    cause = json.dumps(answer, ensure_ascii=False)
    return {"error": event["error"]["Error"], "cause": cause, "message": answer["message"], "report": key}
