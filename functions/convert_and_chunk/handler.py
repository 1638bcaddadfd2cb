"""The handler of state ConvertAndChunk, which stages one part of a file as chunks of line protocol."""

from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.convert_and_chunk.memory import bounded_memory
from functions.convert_and_chunk.part import convert_part
from functions.convert_and_chunk.set_aside.limits import check_set_aside, max_set_aside_rate
from functions.convert_and_chunk.staging import WorkBucketStaging
from shared.aws_clients import s3_client
from shared.events import ConvertedPart, PartRef
from shared.logs import log_invocations, logger
from shared.outcomes import read_outcomes
from shared.settings import conversion_settings
from shared.source import PinnedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@log_invocations
def lambda_handler(event: PartRef, context: LambdaContext) -> ConvertedPart:  # noqa: ARG001
    """Convert one part of a file, stage its chunks in the work bucket, and return how many points they hold."""
    client, settings = s3_client(), conversion_settings()
    with bounded_memory():
        source, staging = PinnedObject(client, event["file"]), WorkBucketStaging(client, event)
        converted = convert_part(source, event, staging, settings)
    _check_file(client, event, max_set_aside_rate(event["file"]["key"], settings))
    logger.debug("converted", converted=converted, reads=source.reads)
    return converted


def _check_file(client: "S3Client", event: PartRef, max_rate: float) -> None:
    """Check the rows that are set aside over the whole file, if this is the last of its parts.

    Each part stores its outcome before it reads those of the others, so the part that stores last sees all. No point is
    written before all parts are converted.
    """
    if max_rate == 1.0 or "file_rows" not in event:  # an execution that began before an upgrade has no `file_rows`
        return
    outcomes = read_outcomes(client, event["file"]["load_id"], event["execution"])
    if sum(part["rows"] for part in outcomes.parts) == event["file_rows"]:
        check_set_aside(outcomes, event["file_rows"], max_rate)
