"""The handler of states CompareParts, RegisterLoad and ConfirmWritten.

CompareParts only runs if the file has several parts, and compares them with each other (`compare_parts`).

In a dataset without revisions, no load is newer or older than another one. Then RegisterLoad does nothing else, and
ConfirmWritten records which other files have values for the same points (`confirm_unordered`).
"""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.register_load.deletions import wait_for_deletions
from functions.register_load.parts import compare_parts, join_chunks
from functions.register_load.progress import Progress, is_in_first_half
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
def lambda_handler(event: RegisterCall, context: LambdaContext) -> ChunksToWrite:
    """Compare the parts of a file, register a load before its first write, or confirm after its last that it stands."""
    load, registers = event["input"], event["state"] == "RegisterLoad"
    loaded = (load["file"]["load_id"], load["execution"]["name"])
    progress = Progress(s3_client(), *loaded, is_in_first_half(context))
    if event["state"] == "CompareParts":
        return compare_parts(s3_client(), load, progress)
    if registers:
        load = {**load, "converted": {**load["converted"], "chunks": join_chunks(s3_client(), load)}}
        wait_for_deletions(s3_client(), ledger(), load, datetime.now(UTC))
    if DATASETS[load["file"]["dataset"]].revision is None:
        if not registers:
            confirm_unordered(s3_client(), Registrations(ledger()), load, datetime.now(UTC))
        return {"chunks": load["converted"]["chunks"] if registers else [], "written": not registers, "not_before": ""}
    revised = RevisedLoad(s3_client(), Registrations(ledger()), load, datetime.now(UTC), progress)
    result = revised.register() if registers else revised.confirm()
    logger.debug("to write", chunks=len(result["chunks"]), not_before=result.get("not_before"))
    return result
