"""The registrations of loads in the ledger: which execution writes points of which month, and how far it is.

A load registers one item for each month of its points before it writes the first of them, and reads the items of other
loads in these months. The key of an item is `object` (`month_name`) and `version` (`registration_name`). It is in the
base table, which can be read consistently, and has no `status`, so that it stays out of the index of changes.

`Registrations` makes the requests. `functions/register_load/protocol.py` decides what they mean.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from shared.ledger import LedgerItem, query_items, tolerate_unmet_condition
from shared.revisions import FileVersion
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

WRITE_SECONDS = 300
"""The timeout of WriteBatch. After a load has failed, its last invocations may still be writing for so long."""


EXPIRES_AT = "expires_at"
"""The attribute with the time after which DynamoDB deletes an item. Only registrations have it."""


MAX_LEFT_OUT = 3000
"""How many names to record in an item, which has at most 400 KB: with its length, each takes up to 100 bytes."""


class Registration(FileVersion):
    """The item of one execution in one month.

    Attributes:
        object: the month, see `month_name`.
        version: the execution, see `registration_name`.
        dataset: the name of the dataset; with `load_id` and `execution`, it leads to the footprint.
        load_id: the load ID.
        execution: the execution's name.
        bucket_id: the id of the InfluxDB bucket; "" if it is not checkable.
        first_ns: the first time of its points in this month, in ns since 1970.
        last_ns: the last time of its points in this month.
        written: whether each of its points is stored, or left out since a newer load wrote it. It stays true.
        active_until: until when it may write (ISO 8601, UTC). A former release set it to "" at its end.
        left_out: the names of newer registrations whose points it left out whenever it wrote, at most `MAX_LEFT_OUT`;
            absent if there are none.
        expires_at: when DynamoDB deletes it, in seconds since 1970; absent while a load may need it.
    """

    object: str
    version: str
    dataset: str
    load_id: str
    execution: str
    bucket_id: str
    first_ns: int
    last_ns: int
    written: bool
    active_until: str
    left_out: NotRequired[list[str]]
    expires_at: NotRequired[int]


class RegisteredLoad(TypedDict):
    """What an execution remembers in the work bucket about its registrations.

    Attributes:
        items: its registrations as it added them, one for each month.
        settled: the names of the other registrations that had ended when it began to write; [] before that.
    """

    items: list[Registration]
    settled: list[str]


class OverlappingFiles(TypedDict):
    """The other files that may have values for the points of a load, in a dataset without revisions.

    Attributes:
        overlapping: the objects that have a value for the same field of a point.
        not_compared: the objects of the same time whose footprint is missing.
        more: how many more objects of the same time were not compared; an earlier release compared all.
    """

    overlapping: list[str]
    not_compared: list[str]
    more: NotRequired[int]


def month_name(bucket: str, measurement: str, month: str) -> str:
    """Return the first half of an item's key. `bucket` is InfluxDB's, and `month` such as 2024-01."""
    return f"points:{bucket}/{measurement}/{month}"


def months_of(item: LedgerItem, bucket: str) -> list[str]:
    """Return the months in which a version may have registrations: all from its first to its last point.

    >>> item = {"measurement": "m", "first_time": "2023-12-31T23:00:00Z", "last_time": "2024-01-01T00:00:00Z"}
    >>> months_of(item, "ons")
    ['points:ons/m/2023-12', 'points:ons/m/2024-01']
    """
    first, last = item.get("first_time", ""), item.get("last_time", "")
    if not (first and last):
        return []
    low, high = (12 * int(time[:4]) + int(time[5:7]) - 1 for time in (first, last))
    numbers = range(low, high + 1)
    measurement = item.get("measurement", "")
    return [month_name(bucket, measurement, f"{number // 12:04}-{number % 12 + 1:02}") for number in numbers]


def registration_name(load_id: str, execution: str) -> str:
    """Return the second half of an item's key."""
    return f"{load_id}/{execution}"


class Registrations:
    """The requests to the table. Each is safe to repeat, as after a lost response."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def add(self, item: Registration) -> None:
        """Register an execution, unless it is registered: a repeated request must not undo a later one."""
        with tolerate_unmet_condition():
            self._table.put_item(
                Item=cast("Any", item),
                ConditionExpression="attribute_not_exists(#object)",
                ExpressionAttributeNames={"#object": "object"},
            )

    def read(self, month: str) -> list[Registration]:
        """Return all registrations of a month. The read is consistent: it sees every write that succeeded before."""
        items: Iterator[Registration] = query_items(
            self._table,
            ConsistentRead=True,
            KeyConditionExpression="#object = :month",
            ExpressionAttributeNames={"#object": "object"},
            ExpressionAttributeValues={":month": month},
        )
        return list(items)

    def set_left_out(self, item: Registration, names: Iterable[str]) -> None:
        """Record the newer registrations whose points the execution left out whenever it wrote, or some of them.

        A newer load that is not recorded, and has not ended, writes its points again after the end of this one.
        """
        self._set(item["object"], item["version"], "left_out", sorted(names)[:MAX_LEFT_OUT])

    def mark_written(self, item: Registration) -> None:
        """Record that each point of the execution is stored or left out."""
        self._set(item["object"], item["version"], "written", value=True)

    def end(self, month: str, name: str, active_until: datetime) -> None:
        """Record that the execution writes nothing after `active_until`."""
        self._set(month, name, "active_until", utc_seconds(active_until))

    def expire(self, item: Registration, at: datetime) -> None:
        """Make DynamoDB delete the registration after `at`, when every load has ended that may need it."""
        self._set(item["object"], item["version"], EXPIRES_AT, int(at.timestamp()))

    def withdraw(self, item: Registration, expires_at: datetime) -> None:
        """Make loads that register from now on ignore the points of an execution, since a person decided so."""
        self._set(item["object"], item["version"], "written", value=False)
        self.expire(item, expires_at)

    def _set(self, month: str, name: str, attribute: str, value: object) -> None:
        """Set an attribute of an item that exists."""
        with tolerate_unmet_condition():
            self._table.update_item(
                Key={"object": month, "version": name},
                UpdateExpression="SET #attribute = :value",
                ConditionExpression="attribute_exists(#object)",
                ExpressionAttributeNames={"#attribute": attribute, "#object": "object"},
                ExpressionAttributeValues={":value": cast("Any", value)},
            )
