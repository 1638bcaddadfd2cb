"""Objects of a source bucket and their items in the ledger, for the functions of the backfill."""

from typing import TYPE_CHECKING, Any

import boto3

from shared.ledger import object_name, version_name
from tests.functional.conftest import LEDGER, SOURCE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "dataset=generation/"
EXECUTION = {"id": "arn", "name": "run-1", "start_time": "2024-01-01T00:00:00.000Z"}


def put(s3: "S3Client", name: str) -> str:
    """Put an object under the prefix, and return its key."""
    s3.put_object(Bucket=SOURCE, Key=f"{PREFIX}{name}", Body=name.encode())
    return f"{PREFIX}{name}"


def add_item(s3: "S3Client", key: str, status: str, **more: Any) -> None:
    """Write the ledger's item of the current version of the object."""
    head = s3.head_object(Bucket=SOURCE, Key=key)
    version = version_name(head["LastModified"], head.get("VersionId", ""), head["ETag"])
    item = {"object": object_name(SOURCE, key), "version": version, "status": status, "execution": "arn:x"}
    item |= {
        "dataset": "generation",
        "load_id": "0" * 16,
        "sequencer": "",
        "changed_at": "2024-01-01T00:00:00Z",
        **more,
    }
    last_modified = int(head["LastModified"].timestamp())
    boto3.resource("dynamodb").Table(LEDGER).put_item(Item={**item, "last_modified": last_modified})
