"""The ledger: a DynamoDB table with one item for each version of each object that was requested to be loaded.

The state machine writes it (`state_machine/ledger.py`), and functions and commands read it. The key of an item is
`object` (`object_name`) and `version` (`version_name`, which sorts by time).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from botocore.exceptions import ClientError

from shared.aws_clients import dynamodb_resource
from shared.settings import ledger_table
from shared.stored import Verdict
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


STATUSES = ("claimed", "loaded", "failed", "skipped", "undone")

SweepResult = Literal["given up", "replaced", "deleted"]
"""Why sweeps leave a version alone that failed or was abandoned: it used up its tries, which was announced, or another
version is the current one, or the object does not exist.
"""

CHANGES = "changes"
"""The index by `status` and `changed_at`: reading the last changes costs the same for any number of items.

A partition of the index accepts a thousand writes of a kilobyte a second, more than the loads of an account make
(decision 33).
"""


class LedgerItem(TypedDict):
    """An item of the ledger.

    A claimed item has times, a loaded one has counts, and a failed, skipped, or undone one has a `message`. A failed
    one counts its points too, unless its report failed. `verdict` says whether a loaded one is loaded completely; items
    of earlier releases have none. `changed_at` is when the item was claimed, settled, or undone. Times are ISO 8601,
    UTC. `bucket_id` is the id of the InfluxDB bucket that the version was loaded into last, and `former_bucket_id` the
    one of the load before; "" if it was not checkable. `tries` is the number of loads that began since the version was
    loaded or skipped; items of earlier releases have none. `sweep_result` and `slot_examined` stay until the next
    claim: the second says that no older revision needs to be loaded in place of the version. `load_ended_at` is when
    the load of an undone or withdrawn version ended. The last five are those of `shared.responses.FootprintData`; items
    of earlier releases have none, until `loader footprints` adds them.
    """

    object: str
    version: str
    status: Literal["claimed", "loaded", "failed", "skipped", "undone"]
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
    points_rejected: NotRequired[int]
    points_superseded: NotRequired[int]
    points_not_sent: NotRequired[int]
    points_unknown: NotRequired[int]
    error: NotRequired[str]
    message: NotRequired[str]
    report: NotRequired[str]
    bucket_id: NotRequired[str]
    former_bucket_id: NotRequired[str]
    verdict: NotRequired[Verdict]
    tries: NotRequired[int]
    sweep_result: NotRequired[SweepResult]
    slot_examined: NotRequired[bool]
    load_ended_at: NotRequired[str]
    footprint: NotRequired[str]
    measurement: NotRequired[str]
    first_time: NotRequired[str]
    last_time: NotRequired[str]
    calendar: NotRequired[str]


def object_name(bucket: str, key: str) -> str:
    """Return the first half of the ledger's key."""
    return f"s3://{bucket}/{key}"


def bucket_and_key(name: str) -> tuple[str, str]:
    """Return the bucket and the key of an object, from its `object_name`.

    >>> bucket_and_key("s3://source/dataset=wind/a b.parquet")
    ('source', 'dataset=wind/a b.parquet')
    """
    bucket, _, key = name.removeprefix("s3://").partition("/")
    return bucket, key


def version_name(last_modified: datetime, version_id: str, etag: str) -> str:
    """Return the second half of the ledger's key, which sorts by time.

    Without versioning, S3's version id is "null" or absent, and the ETag takes its place. The time makes an object that
    is restored to its former content a new version.
    """
    return f"{utc_seconds(last_modified)} {etag.strip(chr(34)) if version_id in ('', 'null') else version_id}"


def version_id_of(item: LedgerItem) -> str:
    """Return S3's id of the version, or "" in an unversioned bucket."""
    name = item["version"].partition(" ")[2]
    return "" if name == item["etag"].strip('"') else name


BucketCheck = Literal["current", "replaced", "not checkable"]


def check_bucket(recorded: str, current: str) -> BucketCheck:
    """Return whether a version was loaded into the bucket that its dataset has now.

    Args:
        recorded: The id of the bucket that the version was loaded into, "" if it was not recorded.
        current: The id of the dataset's bucket now, "" if it is not checkable.
    """
    if not (recorded and current):
        return "not checkable"
    return "current" if recorded == current else "replaced"


def query_items(table: "Table", **request: Any) -> Iterator[Any]:
    """Yield all items of a query, which may have several pages. `request` has the parameters of DynamoDB's Query."""
    for page in table.meta.client.get_paginator("query").paginate(TableName=table.name, **request):
        yield from page["Items"]


@contextmanager
def tolerate_unmet_condition() -> Iterator[None]:
    """Do nothing if the condition of a write to the ledger is not met."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise


def version_items(name: str) -> Iterator[LedgerItem]:
    """Yield the items of all versions of an object. The read is consistent: it sees every write before."""
    return query_items(
        ledger(),
        ConsistentRead=True,
        KeyConditionExpression="#object = :object",
        ExpressionAttributeNames={"#object": "object"},
        ExpressionAttributeValues={":object": name},
    )


def newest_item(name: str) -> LedgerItem | None:
    """Return the item of the newest version of an object; of two from the same second, the one changed last."""
    return newest_of(version_items(name))


def newest_of(items: Iterable[LedgerItem]) -> LedgerItem | None:
    """Return the newest of the versions of an object, or None; of two from the same second, the one changed last.

    An undone version counts only if all are undone: the version before it stands in its place.
    """
    versions = list(items)
    versions = [item for item in versions if item["status"] != "undone"] or versions
    in_order = sorted(versions, key=lambda item: item["changed_at"])
    return reduce(lambda last, item: last if is_newer(last, item) else item, in_order) if in_order else None


def ledger() -> "Table":
    """Return the table that LEDGER_TABLE names."""
    return dynamodb_resource().Table(ledger_table())


class VersionTimes(TypedDict):
    """What orders the versions of one object; `sequencer` is "" if the input of the load had none."""

    last_modified: int
    sequencer: str


def is_newer(one: VersionTimes, other: VersionTimes) -> bool:
    """Return whether `one` is a newer version of its object than `other`.

    If both have a sequencer of S3, these decide: hexadecimal texts, which S3 says to compare after padding the shorter
    one with zeros on the right. Otherwise LastModified decides. It counts seconds, so of two versions of the same
    second neither is newer.
    """
    if one["sequencer"] and other["sequencer"]:
        width = max(len(one["sequencer"]), len(other["sequencer"]))
        return one["sequencer"].ljust(width, "0") > other["sequencer"].ljust(width, "0")
    return one["last_modified"] > other["last_modified"]
