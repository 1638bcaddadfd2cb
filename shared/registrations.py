"""The registrations of loads in the ledger: which execution writes points of which month, and how far it is.

A load registers one item for each month of its points before it writes the first of them, and reads the items of other
loads in these months. The key of an item is `object` (`month_name`) and `version` (`registration_name`). It is in the
base table, which can be read consistently, and has no `status`, so that it stays out of the index of changes.

`Registrations` makes the requests. `functions/register_load/protocol.py` decides what they mean.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

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


MAX_OPERANDS = 100
"""How many values DynamoDB compares an attribute with."""


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
        series: the bits of its series (`functions/register_load/series_bits.py`); a former release did not set it.
        written: whether each of its points is stored, or left out since a newer load wrote it. It stays true.
        active_until: until when it may write (ISO 8601, UTC). A former release set it to "" at its end.
        left_out: the names of newer registrations whose points it left out whenever it wrote, at most `MAX_LEFT_OUT`;
            absent if there are none.
        confirmed: true once ConfirmWritten has set the end: the execution writes nothing after it, in any month.
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
    series: NotRequired[str]
    left_out: NotRequired[list[str]]
    confirmed: NotRequired[bool]
    expires_at: NotRequired[int]


class RegisteredLoad(TypedDict):
    """What an execution remembers in the work bucket about its registrations.

    Attributes:
        items: its registrations as it added them, one for each month.
        settled: the names of the other registrations that had ended when it began to write; [] before that.
    """

    items: list[Registration]
    settled: list[str]


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
        return self._query(month)

    def read_concerning(self, own: Registration, now: str) -> list[Registration]:
        """Return the registrations of a month with points in the time of `own`, or of its object, or without a purpose.

        Those without a purpose belong to loads that had ended at `now` (ISO 8601, UTC) and were not written. Also this
        read is consistent.
        """
        in_time = Attr("first_ns").lte(own["last_ns"]) & Attr("last_ns").gte(own["first_ns"])
        is_unwritten = Attr("written").eq(False)  # noqa: FBT003 - the value of the attribute
        without_purpose = is_unwritten & Attr("active_until").lte(now) & Attr(EXPIRES_AT).not_exists()
        concerning = in_time | Attr("source").eq(own["source"]) | without_purpose
        return self._query(own["object"], FilterExpression=concerning)

    def read_sources(self, month: str, sources: Collection[str]) -> list[Registration]:
        """Return the registrations of a month of these objects, or all of them. Also this read is consistent."""
        few = len(sources) <= MAX_OPERANDS
        return self._query(month, **({"FilterExpression": Attr("source").is_in(sorted(sources))} if few else {}))

    def _query(self, month: str, **filter_: ConditionBase) -> list[Registration]:
        key = Key("object").eq(month)
        items: Iterator[Registration] = query_items(
            self._table, ConsistentRead=True, KeyConditionExpression=key, **filter_
        )
        return list(items)

    def set_left_out(self, item: Registration, names: Iterable[str]) -> None:
        """Record the newer registrations whose points the execution left out whenever it wrote, or some of them.

        A newer load that is not recorded, and has not ended, writes its points again after the end of this one.
        """
        self._set(item["object"], item["version"], left_out=sorted(names)[:MAX_LEFT_OUT])

    def mark_written(self, item: Registration) -> None:
        """Record that each point of the execution is stored or left out."""
        self._set(item["object"], item["version"], written=True)

    def end(self, month: str, name: str, active_until: datetime) -> None:
        """Record that the execution writes nothing after `active_until`."""
        self._set(month, name, active_until=utc_seconds(active_until))

    def confirm(self, item: Registration, active_until: datetime) -> None:
        """Record that the execution is written, that its values stand, and that it writes nothing after this time."""
        self._set(item["object"], item["version"], active_until=utc_seconds(active_until), confirmed=True)

    def expire(self, item: Registration, at: datetime) -> None:
        """Make DynamoDB delete the registration after `at`, when every load has ended that may need it."""
        self._set(item["object"], item["version"], expires_at=int(at.timestamp()))

    def withdraw(self, item: Registration, expires_at: datetime) -> None:
        """Make loads that register from now on ignore the points of an execution, since a person decided so."""
        self._set(item["object"], item["version"], written=False)
        self.expire(item, expires_at)

    def _set(self, month: str, name: str, **attributes: object) -> None:
        """Set attributes of an item that exists."""
        with tolerate_unmet_condition():
            self._table.update_item(
                Key={"object": month, "version": name},
                UpdateExpression=f"SET {', '.join(f'#{attribute} = :{attribute}' for attribute in attributes)}",
                ConditionExpression="attribute_exists(#object)",
                ExpressionAttributeNames={f"#{attribute}": attribute for attribute in ("object", *attributes)},
                ExpressionAttributeValues=cast("Any", {f":{name}": value for name, value in attributes.items()}),
            )
