"""The slots of datasets with `revisions = "replace"`: which revision of a slot may be loaded.

All items of a slot are in one partition of the ledger's base table, which can be read consistently (`slot_name`). They
have no `status`, so they are not in the index of changes. A load adds an item for its file (`Slot.add`), and then takes
the slot for its revision with one conditional request to the head item (`Slot.take`), unless a newer revision has it.
What became of the files is only in their own items of the ledger: `held_revision` looks there.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, cast

from shared.dataset_keys import find_dataset
from shared.datasets import DATASETS, Dataset
from shared.healing import next_try_at
from shared.ledger import LedgerItem, bucket_and_key, newest_of, object_name, query_items, tolerate_unmet_condition
from shared.ledger_items import CONCURRENT_REQUESTS, ItemKey, items_by_key
from shared.revisions import revision_of, slot_of, sort_key
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

SLOT = "slot:"
"""How the `object` of a slot's items begins."""

HEAD = "head"
"""The `version` of the head item. That of a file's item begins with s3://."""

MAX_SORT_KEY_BYTES = 1024
"""The longest sort key that DynamoDB accepts. The key of an object alone may be as long."""


class SlotFile(TypedDict):
    """A version of a file of a slot, as the ledger names it. `revision` sorts (`shared.revisions.sort_key`)."""

    source: str
    source_version: str
    revision: str


class SlotContent(NamedTuple):
    """The items of a slot: the revision that the head has, None if there is no head, and the files."""

    head: str | None
    files: list[SlotFile]


def replacing_dataset(name: str) -> Dataset | None:
    """Return the dataset of this name if its newest revision replaces the older ones."""
    dataset = DATASETS.get(name)
    return dataset if dataset and dataset.revisions == "replace" else None


def replacing_dataset_of(key: str) -> Dataset | None:
    """Return the dataset of a file if its newest revision replaces the older ones."""
    dataset = find_dataset(key)
    return dataset if dataset and dataset.revisions == "replace" else None


def slot_name(bucket: str, key: str, dataset: Dataset) -> str:
    """Return the first half of the key of a slot's items.

    Datasets with key patterns may have files in the same folders. Each has slots of its own.
    """
    owner = f" ({dataset.name})" if dataset.key_pattern else ""
    return SLOT + object_name(bucket, slot_of(key, dataset)) + owner


def slot_file(item: ItemKey, dataset: Dataset) -> SlotFile:
    """Return the version of a file whose item in the ledger has this key."""
    revision = sort_key(revision_of_object(item.object, dataset))
    return {"source": item.object, "source_version": item.version, "revision": revision}


def revision_of_object(name: str, dataset: Dataset) -> str:
    """Return the revision of an object by its name in the ledger, as its key names it, or ""."""
    return revision_of(bucket_and_key(name)[1], dataset)


class Slot:
    """The requests for one slot. Each is safe to repeat, as after a lost response."""

    def __init__(self, table: "Table", name: str) -> None:
        self._table = table
        self._client: Any = table.meta.client
        self._table_name = table.name
        self._name = name

    def add(self, file: SlotFile) -> None:
        """Add a version of a file."""
        self._put(file)

    def add_all(self, files: Iterable[SlotFile]) -> None:
        """Add versions of files, several at a time."""
        with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
            list(pool.map(self._put, files))

    def _put(self, file: SlotFile) -> None:
        # Threads may share the client of a table, but not the table.
        item = {"object": self._name, "version": _sort_key(file), **file}
        self._client.put_item(TableName=self._table_name, Item=item)

    def take(self, revision: str) -> bool:
        """Take the slot for a revision. Return false if there is no head, or it has a newer revision."""
        return self._set_head(revision, "attribute_exists(#object) AND #revision <= :revision")

    def set_head(self, revision: str, former: str | None) -> bool:
        """Set the revision of the head, or create it. Return false if the head is not `former` any more."""
        if former is None:
            return self._set_head(revision, "attribute_not_exists(#object)")
        return self._set_head(revision, "attribute_exists(#object) AND #revision = :former", former=former)

    def read(self) -> SlotContent:
        """Return all items of the slot. The read is consistent: it sees every write that succeeded before."""
        items: Iterator[Any] = query_items(
            self._table,
            ConsistentRead=True,
            KeyConditionExpression="#object = :slot",
            ExpressionAttributeNames={"#object": "object"},
            ExpressionAttributeValues={":slot": self._name},
        )
        head, files = None, list[SlotFile]()
        for item in items:
            if item["version"] == HEAD:
                head = str(item["revision"])
            else:
                files.append(cast("SlotFile", {name: item[name] for name in SlotFile.__annotations__}))
        return SlotContent(head, files)

    def _set_head(self, revision: str, condition: str, **compare: str) -> bool:
        with tolerate_unmet_condition():
            self._table.update_item(
                Key={"object": self._name, "version": HEAD},
                UpdateExpression="SET #revision = :revision",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#object": "object", "#revision": "revision"},
                ExpressionAttributeValues={":revision": revision}
                | {f":{name}": value for name, value in compare.items()},
            )
            return True
        return False


def _sort_key(file: SlotFile) -> str:
    """Return the sort key of a file's item: the names of object and version. A hash replaces the end of long ones."""
    name = f"{file['source']} {file['source_version']}".encode()
    if len(name) > MAX_SORT_KEY_BYTES:
        digest = hashlib.sha256(name).hexdigest()
        name = name[: MAX_SORT_KEY_BYTES - len(digest) - 1] + b" " + digest.encode()
    return name.decode(errors="ignore")


def head_revisions(slots: Iterable[str]) -> dict[str, str]:
    """Return the revisions that have these slots, by the names of the slots. A slot without a head is absent."""
    heads: Mapping[ItemKey, Any] = items_by_key(ItemKey(slot, HEAD) for slot in slots)
    return {key.object: str(head["revision"]) for key, head in heads.items()}


def file_items(files: Iterable[SlotFile], table: "Table | None" = None) -> dict[str, list[LedgerItem]]:
    """Return the ledger's items of the versions of each file, by object. `table` is that of `items_by_key`."""
    items: dict[str, list[LedgerItem]] = {}
    keys = (ItemKey(file["source"], file["source_version"]) for file in files)
    for item in items_by_key(keys, table=table).values():
        items.setdefault(item["object"], []).append(item)
    return items


def held_revision(files: Iterable[SlotFile], items: Mapping[str, list[LedgerItem]], now: datetime) -> str | None:
    """Return the newest revision of which a file is loaded, is being loaded, or will be again by the sweep."""
    held = [file["revision"] for file in files if _is_held(items.get(file["source"], []), now)]
    return max(held, default=None)


def _is_held(versions: list[LedgerItem], now: datetime) -> bool:
    if any(item["status"] == "loaded" or is_running(item, now) for item in versions):
        return True
    newest = newest_of(versions)
    return newest is not None and next_try_at(newest) is not None


def is_running(item: LedgerItem, now: datetime) -> bool:
    """Return whether an execution has claimed the version, and may still be loading it."""
    return item["status"] == "claimed" and item["lease_until"] > utc_seconds(now)
