"""The ledger's records of stale points: one for each object or slot whose last check found any, or is still due.

They are in one partition of the base table, and have no `status`, so they are not in the index of changes.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, cast

from shared.ledger import query_items
from shared.ledger_items import ItemKey, items_by_key
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

STALE = "stale:"
"""The `object` of all records. The `version` is a hash of the name, which may be too long for a sort key."""


class StaleCounts(TypedDict):
    """The number of stale points that are stored, and of their series."""

    points: int
    series_count: int


class StaleRecord(StaleCounts):
    """The result of the last check of an object or slot.

    Attributes:
        name: the address of the object; of a slot, the address up to the folder of the revision.
        dataset: the name of the dataset.
        checked_at: when they were counted (ISO 8601, UTC).
        due_at: when to count them again, since something may have changed by then; "" otherwise.
        source: the object whose load was checked.
        source_version: its version.
        not_checkable_count: how many current files have no footprint; unless it is 0, the counts are those before.
    """

    name: str
    dataset: str
    checked_at: str
    due_at: str
    source: str
    source_version: str
    not_checkable_count: int


COUNTS = ("points", "series_count", "not_checkable_count")


class StaleRecords:
    """The requests for the records."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def put(self, record: StaleRecord) -> None:
        """Store a record; remove it if there is nothing to tell."""
        if record["points"] or record["due_at"]:
            self._table.put_item(Item=cast("Any", {**_key(record["name"]), **record}))
        else:
            self.remove(record["name"])

    def remove(self, name: str) -> None:
        """Remove the record of an object or slot, if there is one."""
        self._table.delete_item(Key=_key(name))

    def read(self) -> Iterator[StaleRecord]:
        """Yield all records. The read is consistent: it sees every write before."""
        items: Iterator[Any] = query_items(
            self._table,
            ConsistentRead=True,
            KeyConditionExpression="#object = :stale",
            ExpressionAttributeNames={"#object": "object"},
            ExpressionAttributeValues={":stale": STALE},
        )
        yield from map(_record, items)

    def find(self, name: str) -> StaleRecord | None:
        """Return the record of an object or slot, if there is one."""
        key = ItemKey(**_key(name))
        item = items_by_key([key], table=self._table).get(key)
        return _record(item) if item else None

    def make_due(self, record: StaleRecord, at: datetime) -> None:
        """Let the points of a record be counted again at a time. A record that is gone comes back."""
        attributes: dict[str, object] = {**record, "due_at": utc_seconds(at)}
        values = {name: f"if_not_exists(#{name}, :{name})" for name in attributes} | {"due_at": ":due_at"}
        self._table.update_item(
            Key=_key(record["name"]),
            UpdateExpression=f"SET {', '.join(f'#{name} = {value}' for name, value in values.items())}",
            ExpressionAttributeNames={f"#{name}": name for name in attributes},
            ExpressionAttributeValues=cast("Any", {f":{name}": value for name, value in attributes.items()}),
        )


def _record(item: Mapping[str, Any]) -> StaleRecord:
    """Return the record that an item has. Those of former releases lack some attributes."""
    record = {name: item.get(name, "") for name in StaleRecord.__annotations__}
    return cast("StaleRecord", record | {name: int(item.get(name, 0)) for name in COUNTS})


def _key(name: str) -> dict[str, str]:
    return {"object": STALE, "version": hashlib.sha256(name.encode()).hexdigest()}
