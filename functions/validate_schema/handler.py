"""State ValidateSchema: from the event to one pinned object and the plan of its parts."""

from io import IOBase
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.validate_schema.footer import read_footer, row_group_rows
from functions.validate_schema.parts import plan_parts
from functions.validate_schema.pin import not_a_load, overtaken, pin
from shared.datasets import dataset_of
from shared.errors import SchemaMismatchError
from shared.events import FileRef, LoadState, SourceFile
from shared.logs import logged, logger
from shared.requested_object import RequestedObject, requested_object
from shared.schema import plan_columns
from shared.settings import conversion_settings
from shared.source import PinnedObject
from shared.work_bucket import findings_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@logged
def lambda_handler(event: LoadState, context: LambdaContext) -> FileRef:  # noqa: ARG001
    """Pin the object, check its footer and columns, and cut it into parts."""
    client = boto3.client("s3")
    try:
        return plan_load(client, requested_object(event["event"]))
    except SchemaMismatchError as error:
        put_json(client, findings_key(event["execution"]["name"]), {"findings": error.findings})
        raise


def plan_load(client: "S3Client", requested: RequestedObject) -> FileRef:
    """What there is to load; nothing, with the reason, where the event is about no load."""
    if reason := not_a_load(requested):
        return _skipped(requested, reason)
    file = pin(client, requested, dataset_of(requested.key))
    logger.append_keys(load_id=file["load_id"])
    if reason := overtaken(requested, file):
        return _skipped(requested, reason)
    return plan_file(PinnedObject(client, file), file, validate=conversion_settings().validate)


def plan_file(source: IOBase, file: SourceFile, *, validate: bool) -> FileRef:
    """Check the footer and the columns of what `source` reads, and cut it into parts."""
    metadata = read_footer(source, f"s3://{file['bucket']}/{file['key']}")
    columns = plan_columns(metadata.schema.to_arrow_schema(), dataset_of(file["key"]), validate=validate)
    parts = plan_parts(row_group_rows(metadata))
    return {**file, "layout": columns.layout, "rows": metadata.num_rows, "parts": parts, "skipped": ""}


def _skipped(requested: RequestedObject, reason: str) -> FileRef:
    return {
        "load_id": "",
        "bucket": requested.bucket,
        "key": requested.key,
        "version_id": requested.version_id,
        "etag": requested.etag,
        "size": requested.size or 0,
        "dataset": "",
        "layout": "wide",
        "rows": 0,
        "parts": [],
        "skipped": reason,
    }
