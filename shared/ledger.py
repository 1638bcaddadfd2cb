"""The ledger: a DynamoDB table with one item for each version of each object that was to be loaded.

The state machine writes it (`state_machine/ledger.py`), functions read it. Its key is `object` and `version`.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

import boto3

from shared.settings import ledger_table
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


STATUSES = ("claimed", "loaded", "failed", "skipped")

CHANGES = "changes"
"""The index by `status` and `changed_at`: the last changes cost the same, however many items there are.

It takes a thousand changes of one status a second, far more than loads can make.
"""


class LedgerItem(TypedDict):
    """What is read of an item. A claim has times; what is loaded has counts; what failed or was skipped a `message`.

    `changed_at` is when it was claimed or settled; times are ISO 8601, UTC.
    """

    object: str
    version: str
    status: Literal["claimed", "loaded", "failed", "skipped"]
    execution: str
    changed_at: str
    load_id: str
    dataset: str
    etag: str
    last_modified: int
    sequencer: str
    claimed_at: NotRequired[str]
    lease_until: NotRequired[str]
    input_rows: NotRequired[int]
    points_written: NotRequired[int]
    error: NotRequired[str]
    message: NotRequired[str]
    report: NotRequired[str]


def object_name(bucket: str, key: str) -> str:
    """First half of the ledger's key."""
    return f"s3://{bucket}/{key}"


def version_name(last_modified: datetime, version_id: str, etag: str) -> str:
    """Second half of the ledger's key, which sorts by time.

    Without versions (S3 then says "null", or nothing) bytes that return to what they were are a version of their own.
    """
    return f"{utc_seconds(last_modified)} {etag.strip(chr(34)) if version_id in ('', 'null') else version_id}"


def version_id_of(item: LedgerItem) -> str:
    """What S3 calls this version; "" in an unversioned bucket."""
    name = item["version"].partition(" ")[2]
    return "" if name == item["etag"].strip('"') else name


def ledger() -> "Table":
    """The table that LEDGER_TABLE names."""
    return boto3.resource("dynamodb").Table(ledger_table())


def is_newer(one: LedgerItem, other: LedgerItem) -> bool:
    """By S3's sequencers where both have one (hexadecimal, compared after padding on the right), else by LastModified.

    LastModified counts in seconds: of two versions of one second neither is newer.
    """
    if one["sequencer"] and other["sequencer"]:
        width = max(len(one["sequencer"]), len(other["sequencer"]))
        return one["sequencer"].ljust(width, "0") > other["sequencer"].ljust(width, "0")
    return one["last_modified"] > other["last_modified"]
