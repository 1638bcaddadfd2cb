"""The handler of DeletePoints, which only `loader` commands invoke."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.delete_points.steps import DeletionSteps
from functions.delete_points.store import DeletionStore
from shared.aws_clients import s3_client
from shared.deletion.records import DeleteCall, DeletionState
from shared.influx import Influx
from shared.ledger import ledger
from shared.logs import log_invocations, logger
from shared.settings import influx_settings


@log_invocations
def lambda_handler(event: DeleteCall, context: LambdaContext) -> DeletionState:  # noqa: ARG001
    """Do the next step of a deletion, or write the next of its before-images back."""
    store = DeletionStore(s3_client(), event["deletion"])
    steps, now = DeletionSteps(store, ledger(), Influx(influx_settings())), datetime.now(UTC)
    state = steps.restore_next(now) if event.get("restore") else steps.do_next(now)
    logger.info("deletion", deletion=event["deletion"], status=state["status"], finished=state["finished"])
    return state
