"""The handler of states ConvertAndChunk and ConvertAgain, which stage one part of a file as chunks of line protocol.

ConvertAgain leaves out the rows that lose their place to rows of later parts, which CompareParts has found.
"""

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.convert_and_chunk.memory import bounded_memory
from functions.convert_and_chunk.part import convert_part
from functions.convert_and_chunk.staging import WorkBucketStaging
from shared.aws_clients import s3_client
from shared.events import ConvertedPart, PartRef
from shared.logs import log_invocations, logger
from shared.losing_rows import NO_LOSING_ROWS, get_losing_rows
from shared.settings import conversion_settings
from shared.source import PinnedObject


@log_invocations
def lambda_handler(event: PartRef, context: LambdaContext) -> ConvertedPart:  # noqa: ARG001
    """Convert one part of a file, stage its chunks in the work bucket, and return how many points they hold."""
    client, settings = s3_client(), conversion_settings()
    load, part = (event["file"]["load_id"], event["execution"]), event["part"]["part"]
    losing = get_losing_rows(client, *load, part) if event.get("losing_rows") else NO_LOSING_ROWS
    source = PinnedObject(client, event["file"])
    with WorkBucketStaging(client, event) as staging, bounded_memory():
        converted = convert_part(source, event, staging, settings, losing=losing)
    logger.debug("converted", converted=converted, reads=source.reads)
    return converted
