"""The handler of states FindStale and JudgeRevisions.

FindStale checks what a load replaced, after its last write. A sweep calls JudgeRevisions, which checks the slots in
which no file of the newest revision has arrived for a while. Both publish the number of all stale points.
"""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.find_stale.check import check_due, check_load
from shared.aws_clients import s3_client
from shared.ledger import ledger
from shared.logs import log_invocations, logger
from shared.metrics import emit_stale
from shared.stale.records import StaleRecords
from shared.stale.report import StaleReport
from shared.state_calls import StaleCall


@log_invocations
def lambda_handler(event: StaleCall, context: LambdaContext) -> StaleReport | None:
    """Check what a load replaced, or the slots that are due."""
    now, table, report = datetime.now(UTC), ledger(), None
    if event["state"] == "FindStale":
        report = check_load(s3_client(), table, event["input"], now, context.get_remaining_time_in_millis)
        logger.info("stale", points=report["points"], uncertain=report["uncertain"])
    else:
        check_due(s3_client(), table, now, context.get_remaining_time_in_millis)
    emit_stale(sum(record["points"] for record in StaleRecords(table).read()))
    return report
