"""The registrations of deletions in the ledger, which keep loads from writing where points are being deleted.

InfluxDB may lose points that are written while a delete runs (measured: half of them). So a deletion and a load never
write to the same time of a measurement at once:

1. A deletion adds its item. Then it waits for the end of each load of the measurement that was claimed before that.
2. A load reads the items before its first write. If one of them has times of its points, it adds its name to the item
   and waits. A deletion does not wait for such a load: it writes nothing.

A load that was claimed before the item was added may have read the items before that, so the deletion waits for it. A
load that was claimed after that sees the item. `SETTLE_SECONDS` covers the delay of the ledger's index and differences
of clocks.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from boto3.dynamodb.conditions import Key

from shared.ledger import CHANGES, LedgerItem, query_items, tolerate_unmet_condition
from shared.registrations import EXPIRES_AT, WRITE_SECONDS
from shared.times import utc_ns, utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

LEASE = timedelta(minutes=20)
"""How long a registration lasts after the last step of a deletion, which takes 15 minutes at most. A deletion that was
interrupted keeps loads waiting for so long.
"""

SETTLE_SECONDS = 5


class DeletionItem(TypedDict):
    """The item of one deletion.

    Attributes:
        object: The measurement, see `deletions_name`.
        version: The id of the deletion.
        first_ns: The first time from which it deletes, in ns since 1970.
        last_ns: The last time.
        registered_at: When it was added (ISO 8601, UTC).
        active_until: When it ends, if it is not extended (ISO 8601, UTC).
        waiting: The executions that wait for its end.
    """

    object: str
    version: str
    first_ns: int
    last_ns: int
    registered_at: str
    active_until: str
    waiting: NotRequired[set[str]]


def deletions_name(bucket: str, measurement: str) -> str:
    """Return the first half of an item's key."""
    return f"deletions:{bucket}/{measurement}"


def lock_name(bucket: str, measurement: str) -> str:
    """Return the first half of the key of the lock that keeps two deletions from one measurement apart."""
    return f"deletion-lock:{bucket}/{measurement}"


class DeletionRegistrations:
    """The registrations of all deletions from one measurement of one InfluxDB bucket."""

    def __init__(self, table: "Table", bucket: str, measurement: str) -> None:
        self._table = table
        self._object = deletions_name(bucket, measurement)

    def active(self, now: datetime) -> list[DeletionItem]:
        """Return the deletions that may be running. The read is consistent: it sees every write before."""
        condition = Key("object").eq(self._object)
        items = query_items(self._table, ConsistentRead=True, KeyConditionExpression=condition)
        return [_parse(item) for item in items if item["active_until"] > utc_seconds(now)]

    def register(self, deletion: str, first_ns: int, last_ns: int, now: datetime) -> DeletionItem:
        """Add the deletion, or extend its item if it is active. Return the item."""
        until = now + LEASE
        values: dict[str, str | int] = {"active_until": utc_seconds(until), EXPIRES_AT: int(until.timestamp())}
        with tolerate_unmet_condition():
            return self._extend(deletion, values, now)
        item = {
            "object": self._object,
            "version": deletion,
            "first_ns": first_ns,
            "last_ns": last_ns,
            "registered_at": utc_seconds(now),
            **values,
        }
        self._table.put_item(Item=cast("Any", item))
        return cast(DeletionItem, item)

    def _extend(self, deletion: str, values: dict[str, str | int], now: datetime) -> DeletionItem:
        reply = self._table.update_item(
            Key={"object": self._object, "version": deletion},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ConditionExpression="#active_until > :now",
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()}
            | {":now": utc_seconds(now)},
            ReturnValues="ALL_NEW",
        )
        return _parse(reply["Attributes"])

    def wait(self, deletion: str, execution: str) -> None:
        """Record that an execution waits for the end of a deletion, so that it does not wait for the execution."""
        with tolerate_unmet_condition():
            self._table.update_item(
                Key={"object": self._object, "version": deletion},
                UpdateExpression="ADD #waiting :execution",
                ConditionExpression="attribute_exists(#object)",
                ExpressionAttributeNames={"#waiting": "waiting", "#object": "object"},
                ExpressionAttributeValues={":execution": {execution}},
            )

    def release(self, deletion: str) -> None:
        """Remove the registration, so that loads go on."""
        self._table.delete_item(Key={"object": self._object, "version": deletion})


def _parse(item: Mapping[str, Any]) -> DeletionItem:
    """Return an item with integers, which boto3 reads as decimal numbers."""
    times = {name: int(item[name]) for name in ("first_ns", "last_ns")}
    return cast(DeletionItem, {**item, **times})


def loads_to_wait_for(table: "Table", item: DeletionItem, datasets: Collection[str], now: datetime) -> list[str]:
    """Return the executions that may write to the measurement: claimed before the registration, and not waiting.

    A load that has failed may have invocations that still write for a few minutes, unless its report excludes it.
    """
    claimed_by = _plus_seconds(item["registered_at"], SETTLE_SECONDS)
    failed_since = utc_seconds(now - timedelta(seconds=WRITE_SECONDS))
    claimed = (
        each
        for each in _changes(table, "claimed", datasets)
        if each["changed_at"] <= claimed_by and each.get("lease_until", "") > utc_seconds(now)
    )
    failed = filter(_may_write, _changes(table, "failed", datasets, failed_since))
    executions = (each["execution"] for each in (*claimed, *failed))
    waiting = item.get("waiting", set())
    return sorted(name for name in executions if name.rpartition(":")[2] not in waiting)


def _may_write(failed: LedgerItem) -> bool:
    """Return whether invocations of WriteBatch may still send points of a failed load.

    While one is sending, the report counts its points as unknown; after the report, none begins (ReportLoad stores
    what ends the writing first). Without a report, nobody knows.
    """
    return int(failed.get("points_unknown", 1)) > 0


def loads_since(table: "Table", item: DeletionItem, datasets: Collection[str], since: str) -> list[str]:
    """Return the objects whose loads began or ended after `since`, and that may have points in the deletion's time.

    Loads that wait for the deletion do not count: they have written nothing.
    """
    waiting = item.get("waiting", set())
    items = (each for status in ("loaded", "failed") for each in _changes(table, status, datasets, since))
    return sorted(
        {
            each["object"]
            for each in items
            if each["execution"].rpartition(":")[2] not in waiting and _overlaps(each, item)
        }
    )


def _overlaps(load: LedgerItem, item: DeletionItem) -> bool:
    """Return whether a load may have points in the time of a deletion; true if its time is unknown."""
    first, last = load.get("first_time"), load.get("last_time")
    return not (first and last) or (first <= utc_ns(item["last_ns"]) and utc_ns(item["first_ns"]) <= last)


def _changes(table: "Table", status: str, datasets: Collection[str], since: str = "") -> Iterable[LedgerItem]:
    """Yield the items with a status that changed at `since` or later."""
    condition = Key("status").eq(status) & Key("changed_at").gte(since or "0")
    items: Iterator[LedgerItem] = query_items(table, IndexName=CHANGES, KeyConditionExpression=condition)
    return (item for item in items if item["dataset"] in datasets)


def _plus_seconds(time: str, seconds: int) -> str:
    return utc_seconds(datetime.fromisoformat(time) + timedelta(seconds=seconds))
