"""The handler of states RegisterLoad and ConfirmWritten.

RegisterLoad first compares the parts of the file with each other (`settle_parts`).

In a dataset without revisions, no load is newer or older than another one. Then RegisterLoad does nothing else, and
ConfirmWritten records which other files have values for the same points (`confirm_unordered`).
"""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.register_load.parts import settle_parts
from functions.register_load.revised_load import RevisedLoad
from functions.register_load.unordered_load import confirm_unordered
from shared.aws_clients import s3_client
from shared.datasets import DATASETS
from shared.events import ChunksToWrite
from shared.ledger import ledger
from shared.logs import log_invocations, logger
from shared.registrations import Registrations
from shared.state_calls import RegisterCall


@log_invocations
def lambda_handler(event: RegisterCall, context: LambdaContext) -> ChunksToWrite:  # noqa: ARG001
    """Register a load before its first write, or confirm after its last that its values stand."""
    load, registers = event["input"], event["state"] == "RegisterLoad"
    if registers:
        load = {**load, "converted": {**load["converted"], "chunks": settle_parts(s3_client(), load)}}
    if DATASETS[load["file"]["dataset"]].revision is None:
        if not registers:
            confirm_unordered(s3_client(), Registrations(ledger()), load, datetime.now(UTC))
        return {"chunks": load["converted"]["chunks"] if registers else [], "written": not registers, "not_before": ""}
    revised = RevisedLoad(s3_client(), Registrations(ledger()), load, datetime.now(UTC))
    result = revised.register() if registers else revised.confirm()
    logger.debug("to write", chunks=len(result["chunks"]), not_before=result.get("not_before"))
    return result
