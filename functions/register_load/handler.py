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
from shared.events import ChunksToWrite, LoadState
from shared.ledger import ledger
from shared.logs import log_invocations, logger
from shared.registrations import Registrations
from shared.state_calls import RegisterCall


@log_invocations
def lambda_handler(event: RegisterCall, context: LambdaContext) -> ChunksToWrite:
    """Compare the parts of a file, register a load before its first write, or confirm after its last that it stands."""
    load = event["input"]
    progress = Progress(s3_client(), load["file"]["load_id"], load["execution"]["name"], is_in_first_half(context))
    if event["state"] == "CompareParts":
        result = compare_parts(s3_client(), load, progress)
    else:
        result = _register(load, progress) if event["state"] == "RegisterLoad" else _confirm(load, progress)
    logger.debug("to write", chunks=len(result["chunks"]), not_before=result.get("not_before"))
    return result


def _register(load: LoadState, progress: Progress) -> ChunksToWrite:
    now, chunks = datetime.now(UTC), join_chunks(s3_client(), load, progress)
    load = {**load, "converted": {**load["converted"], "chunks": chunks}}
    wait_for_deletions(s3_client(), ledger(), load, now)
    if _has_revisions(load):
        return RevisedLoad(s3_client(), Registrations(ledger()), load, now, progress).register()
    return {"chunks": chunks, "written": False, "not_before": ""}


def _confirm(load: LoadState, progress: Progress) -> ChunksToWrite:
    now, registrations = datetime.now(UTC), Registrations(ledger())
    if _has_revisions(load):
        return RevisedLoad(s3_client(), registrations, load, now, progress).confirm()
    confirm_unordered(s3_client(), registrations, load, now)
    return {"chunks": [], "written": True, "not_before": ""}


def _has_revisions(load: LoadState) -> bool:
    return DATASETS[load["file"]["dataset"]].revision is not None
