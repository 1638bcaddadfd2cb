"""The ledger's records of undos that have begun and are not complete, and the changes of the ledger by an undo.

A record has everything that the remaining steps need, so that an undo that was interrupted anywhere can be continued.
The transaction that adds it (`UndoRecords.begin`) also makes the versions undone, and gives the slot back to the
revision before. The records are in one partition of the base table, and have no `status`, so they are not in the index
of changes.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, cast

from cli.errors import RefusedError
from shared.ledger import LedgerItem, query_items
from shared.ledger_items import ItemKey, items_by_key
from shared.registrations import Registrations, months_of
from shared.settings import LEASE_SECONDS
from shared.slots import HEAD, Slot, is_running
from shared.times import utc_ms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

UNDO = "undo:"
"""The `object` of all records. The `version` is the load ID of the version that the operator named."""

MAX_ACTIONS = 100
"""The largest number of writes in one transaction of DynamoDB."""

MAX_FILES = 1_000
"""The largest number of versions in a record, which has at most 400 KB."""

REMOVED = ("verdict", "error", "tries", "lease_until", "sweep_result")
"""The attributes that a version loses when it becomes undone."""


class Version(TypedDict):
    """The key of a version in the ledger. `changed_at` is when it changed last before the undo."""

    source: str
    source_version: str
    changed_at: str


class HeadChange(TypedDict):
    """The slot whose head goes back from one revision to the one before."""

    slot: str
    former: str
    revision: str


class UndoRecord(TypedDict):
    """An undo that is not complete.

    Attributes:
        load_id: The load ID of the version that the operator named.
        dataset: The name of its dataset.
        undone: The versions that become undone, that one first.
        load_ids: The load IDs of those whose points are deleted if no file has them. A version that only becomes undone
            since it no longer exists in S3 is not among them: nobody asked to delete its points.
        load_again: The versions to load again, in this order.
        gone: The objects with common points that no longer exist in S3: nobody can write their values.
        head: The slot that goes back to the revision before, if one does.
        begun_at: When it began (ISO 8601, UTC).
        by: Who began it: the ARN of the caller.
    """

    load_id: str
    dataset: str
    undone: list[Version]
    load_ids: list[str]
    load_again: list[Version]
    gone: list[str]
    head: HeadChange | None
    begun_at: str
    by: str


def version_of(item: LedgerItem) -> Version:
    """Return the version of an item as it is now."""
    return {"source": item["object"], "source_version": item["version"], "changed_at": item["changed_at"]}


def key_of(version: Version) -> ItemKey:
    """Return the key of the version's item."""
    return ItemKey(version["source"], version["source_version"])


class UndoRecords:
    """The requests for the records, and for the versions that they name. Each can be repeated."""

    def __init__(self, table: "Table", max_actions: int = MAX_ACTIONS) -> None:
        self._table = table
        self._max_actions = max_actions

    def read(self) -> Iterator[UndoRecord]:
        """Yield all records. The read is consistent: it sees every write before."""
        items: Iterator[Any] = query_items(
            self._table,
            ConsistentRead=True,
            KeyConditionExpression="#object = :undo",
            ExpressionAttributeNames={"#object": "object"},
            ExpressionAttributeValues={":undo": UNDO},
        )
        for item in items:
            yield cast("UndoRecord", {name: item[name] for name in UndoRecord.__annotations__})

    def begin(self, record: UndoRecord) -> None:
        """Add a record, and make its versions undone.

        Raises:
            RefusedError: A version was loaded or claimed meanwhile. Then nothing was changed.
        """
        self._check_size(record)
        put = {"Put": {"TableName": self._table.name, "Item": {"object": UNDO, "version": record["load_id"], **record}}}
        self._write([put, *self._marks(record, record["undone"])])

    def _check_size(self, record: UndoRecord) -> None:
        if len(record["undone"]) + len(record["load_again"]) > MAX_FILES:
            raise RefusedError(f"nothing more was undone: it concerns more than {MAX_FILES:,} files")

    def complete_marks(self, record: UndoRecord) -> list[LedgerItem]:
        """Make those versions undone that are not yet, as after a crash, and return the items of those that are undone.

        Versions that were loaded since the undo began are not among them: they stay as they are. Only if there are
        none, the slot goes back, if it has not yet, and no newer revision has taken it.

        Raises:
            RefusedError: All were loaded again, which ends the undo, or one is being loaded.
        """
        items = items_by_key(map(key_of, record["undone"]), table=self._table)
        self._check_not_running(items.values())
        if left := [each for each in record["undone"] if _is_unchanged(items[key_of(each)], each)]:
            self._write(self._marks(record, left))
            items = items_by_key(map(key_of, record["undone"]), table=self._table)
        undone = [items[key_of(each)] for each in record["undone"] if items[key_of(each)]["status"] == "undone"]
        if not undone:
            self.end(record)
            raise RefusedError(
                f"{record['undone'][0]['source']} was loaded again since the undo began, so the undo ends here: "
                "`loader stale` lists the points that no file has"
            )
        if len(undone) == len(record["undone"]) and (head := record["head"]):
            Slot(self._table, head["slot"]).set_head(head["revision"], head["former"])
        return undone

    def _check_not_running(self, items: Iterable[LedgerItem]) -> None:
        if running := next((each for each in items if is_running(each, datetime.now(UTC))), None):
            raise RefusedError(f"{running['object']} is being loaded by {running['execution']}: wait for its end")

    def add_files(self, record: UndoRecord, load_again: Iterable[Version], gone: Iterable[str]) -> None:
        """Add files to a record: those to load again, after the others, and those that no longer exist in S3.

        Raises:
            RefusedError: There would be too many. Then the record stays as it is.
        """
        record["load_again"].extend(load_again)
        record["gone"].extend(gone)
        self._check_size(record)
        self._table.put_item(Item=cast("Any", {"object": UNDO, "version": record["load_id"], **record}))

    def end(self, record: UndoRecord) -> None:
        """Remove the record of an undo that is complete."""
        self._table.delete_item(Key={"object": UNDO, "version": record["load_id"]})

    def _marks(self, record: UndoRecord, versions: Iterable[Version]) -> list[Mapping[str, Any]]:
        """Return the writes of a transaction. The head comes last: until then, the newer revision has the slot."""
        head = [self._head_change(record["head"])] if record["head"] else []
        return [*(self._mark(record, each) for each in versions), *head]

    def _mark(self, record: UndoRecord, version: Version) -> Mapping[str, Any]:
        message = f"undone with loader undo by {record['by']}"
        values = {"status": "undone", "changed_at": record["begun_at"], "message": message}
        names = (*values, "load_ended_at", *REMOVED)
        sets = [f"#{name} = :{name}" for name in values]
        return self._update(
            key_of(version)._asdict(),
            f"SET {', '.join(sets)}, #load_ended_at = #changed_at REMOVE {', '.join(f'#{name}' for name in REMOVED)}",
            "#changed_at = :former",
            names,
            {**values, "former": version["changed_at"]},
        )

    def _head_change(self, head: HeadChange) -> Mapping[str, Any]:
        """Return the write of the head, which an interrupted undo may have changed before."""
        return self._update(
            {"object": head["slot"], "version": HEAD},
            "SET #revision = :revision",
            "#revision IN (:former, :revision)",
            ("revision",),
            {"revision": head["revision"], "former": head["former"]},
        )

    def _update(
        self, key: Mapping[str, str], update: str, condition: str, names: Iterable[str], values: Mapping[str, str]
    ) -> Mapping[str, Any]:
        return {
            "Update": {
                "TableName": self._table.name,
                "Key": key,
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {f"#{name}": name for name in names},
                "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
            }
        }

    def _write(self, actions: list[Mapping[str, Any]]) -> None:
        client = self._table.meta.client
        for first in range(0, len(actions), self._max_actions):
            try:
                client.transact_write_items(TransactItems=cast("Any", actions[first : first + self._max_actions]))
            except client.exceptions.TransactionCanceledException as error:
                raise RefusedError(
                    "a file was loaded or claimed meanwhile, so nothing more was undone: wait for the end of its load, "
                    "then run this command again"
                ) from error


def _is_unchanged(item: LedgerItem, version: Version) -> bool:
    return item["status"] != "undone" and item["changed_at"] == version["changed_at"]


def withdraw_registrations(table: "Table", items: Iterable[LedgerItem], influxdb_bucket: str) -> None:
    """Make older loads write the points that undone versions had: they no longer leave them out."""
    registrations, expires_at = Registrations(table), datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)
    for item in items:
        for month in months_of(item, influxdb_bucket):
            for each in registrations.read_sources(month, [item["object"]]):
                if each["load_id"] == item["load_id"]:
                    registrations.withdraw(each, expires_at)


def now() -> str:
    """Return the time, as Step Functions writes it into the ledger."""
    return utc_ms(datetime.now(UTC)).replace("+00:00", "Z")
