"""The ledger's records of stale points: one for each object or slot whose last check found any, or is still due.

They are in one partition of the base table, and have no `status`, so they are not in the index of changes.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypedDict, cast

from shared.ledger import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

STALE = "stale:"
"""The `object` of all records. The `version` is a hash of the name, which may be too long for a sort key."""


class StaleRecord(TypedDict):
    """The result of the last check of an object or slot.

    Attributes:
        name: the address of the object; of a slot, the address up to the folder of the revision.
        dataset: the name of the dataset.
        points: the number of stale points that are stored.
        series_count: how many series they have.
        checked_at: when they were counted (ISO 8601, UTC).
        due_at: when to count them again, since files of a new revision may still arrive; "" otherwise.
        source: the object whose load was checked.
        source_version: its version.
    """

    name: str
    dataset: str
    points: int
    series_count: int
    checked_at: str
    due_at: str
    source: str
    source_version: str


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
        for item in items:
            record = {name: item.get(name, "") for name in StaleRecord.__annotations__}
            yield cast("StaleRecord", record | {name: int(item[name]) for name in ("points", "series_count")})


def _key(name: str) -> dict[str, str]:
    return {"object": STALE, "version": hashlib.sha256(name.encode()).hexdigest()}
