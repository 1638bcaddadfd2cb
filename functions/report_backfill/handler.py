"""States ReportBackfill and ReportGivenUp: names every file under the prefix that is not loaded, and why."""

import json
from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.report_backfill.response import gave_up, success
from functions.report_backfill.standings import standings
from shared.aws_clients import s3_client
from shared.events import BackfillState, FailureSummary, Response
from shared.logs import log_invocations
from shared.state_calls import BackfillCall, read_call
from shared.work_bucket import backfill_report_key, put_json


@log_invocations
def lambda_handler(event: BackfillCall | BackfillState, context: LambdaContext) -> Response | FailureSummary:  # noqa: ARG001
    """Store the report, which names every file that is not loaded, and return the response or the failure."""
    call = read_call(event, lambda backfill: "ReportGivenUp" if "error" in backfill else "ReportBackfill")
    backfill, failed = call["input"], call["state"] == "ReportGivenUp"
    client, now, key = s3_client(), datetime.now(UTC), backfill_report_key(backfill["execution"]["name"])
    found = standings(client, backfill["bucket"], backfill["prefix"])
    answer = (gave_up if failed else success)(backfill, found, key, now)
    put_json(client, key, {"response": answer, "not_loaded": found.not_loaded, "input": backfill})
    if not failed:
        return answer
    cause = json.dumps(answer, ensure_ascii=False)
    return {"error": backfill["error"]["Error"], "cause": cause, "message": answer["message"], "report": key}
