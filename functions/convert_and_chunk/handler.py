"""State ConvertAndChunk: one part of the file becomes chunks of line protocol in WORK_BUCKET."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.convert_and_chunk.memory import bounded_memory
from functions.convert_and_chunk.part import convert_part
from shared.datasets import dataset_of
from shared.events import PartConverted, PartRef
from shared.logs import logged
from shared.settings import conversion_settings


@logged
def lambda_handler(event: PartRef, context: LambdaContext) -> PartConverted:  # noqa: ARG001
    """Convert, stage and account for one part."""
    with bounded_memory():
        return convert_part(boto3.client("s3"), event, dataset_of(event["file"]["key"]), conversion_settings())
