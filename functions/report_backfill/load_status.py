"""The load status of the files of a backfill, according to the ledger.

`load_status` adds up the summaries of the lists that the backfill made, and compares the files on them with the ledger:
`_add_files` reads the ledger's items in bulk, and `_add_file` keeps only the files that are not loaded.
`_reason_unloaded` tells why a file counts as not loaded although the ledger shows it as loaded. A backfill of a former
release has no lists: all files under its prefix take their place (`_list_prefix`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, TypedDict

from shared.backfill_lists import MAX_TABLES, ListedFile, read_files, read_summary
from shared.events import BackfillState
from shared.file_keys import skip_kind
from shared.ledger import BucketCheck, LedgerItem, check_bucket, newest_item, object_name
from shared.ledger_items import ItemKey, items_by_key
from shared.responses import UnloadedFile
from shared.revisions import revision_of, sort_key
from shared.settings import file_rule
from shared.slots import head_revisions, replacing_dataset_of, slot_name
from shared.source_pages import item_key, pages
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FILES_AT_A_TIME = 1000
"""How many items are in memory at a time, whatever the number of files."""


class UnloadedReason(TypedDict):
    """The keys of an `UnloadedFile` that say why it is not loaded."""

    status: str
    message: str


@dataclass
class LoadStatus:
    """The number of files, the files that are not loaded, and the keys of those that are partly loaded.

    `shared.responses.BackfillData` explains `reloaded`, `not_checkable`, `skipped`, `tables` and `older_revisions`.
    `complete` is false if the backfill ended before it had listed all files.
    """

    files: int = 0
    reloaded: int = 0
    not_checkable: int = 0
    complete: bool = True
    not_loaded: list[UnloadedFile] = field(default_factory=list)
    partly_loaded: list[str] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    older_revisions: int = 0

    @property
    def loaded(self) -> int:
        """The number of files whose latest version is loaded."""
        return self.files - len(self.not_loaded)


def load_status(client: "S3Client", backfill: BackfillState) -> LoadStatus:
    """Compare all files of a backfill with the ledger.

    Memory grows only with the files that are not or only partly loaded.
    """
    status, last = LoadStatus(), backfill.get("list")
    if last is None:
        files = list(_list_prefix(client, backfill))
        status.files = len(files)
        _add_files(status, files, backfill)
        return status
    status.complete = last["next"] is None
    for number in range(last["number"] + 1):
        _add_summary(client, status, backfill, number)
        _add_files(status, read_files(client, backfill["execution"]["name"], number), backfill)
    return status


def _add_summary(client: "S3Client", status: LoadStatus, backfill: BackfillState, number: int) -> None:
    summary = read_summary(client, backfill["execution"]["name"], number)
    status.files += summary["files"]
    status.not_checkable += summary["not_checkable"]
    status.partly_loaded += summary["partly_loaded"]
    status.older_revisions += summary.get("older_revisions", 0)
    for reason, count in summary["skipped"].items():
        status.skipped[reason] = status.skipped.get(reason, 0) + count
    absent = summary.get("absent", [])
    status.files += len(absent)
    status.not_loaded += [_absent_file(key) for key in absent]
    tables = dict.fromkeys([*status.tables, *summary.get("tables", [])])
    status.tables = list(tables)[:MAX_TABLES]


def _list_prefix(client: "S3Client", backfill: BackfillState) -> Iterator[ListedFile]:
    """Yield all files under the prefix, as if each of them were to be loaded."""
    rule = file_rule()
    for page in pages(client, backfill["bucket"], backfill["prefix"]):
        for version in page.versions:
            if not skip_kind(version["Key"], rule):
                name = item_key(backfill["bucket"], version).version
                yield {
                    "key": version["Key"],
                    "version": name,
                    "version_id": "",
                    "force": False,
                    "replaced": False,
                    "former_execution": "",
                }


def _add_files(status: LoadStatus, files: Iterable[ListedFile], backfill: BackfillState) -> None:
    remaining = iter(files)
    while some := list(islice(remaining, FILES_AT_A_TIME)):
        names = [ItemKey(object_name(backfill["bucket"], file["key"]), file["version"]) for file in some]
        by_name = items_by_key(names)
        items = [by_name.get(name) or _item_of_newer_version(name) for name in names]
        skipped = {file["key"] for file, item in zip(some, items, strict=True) if item and item["status"] == "skipped"}
        replaced = _replaced(skipped, backfill["bucket"])
        for file, item in zip(some, items, strict=True):
            if file["key"] in replaced:
                status.files -= 1
                status.older_revisions += 1
            else:
                _add_file(status, file, item, backfill)


def _item_of_newer_version(listed: ItemKey) -> LedgerItem | None:
    """Return the item of the newest version of the object, if it was written since the object was listed."""
    item = newest_item(listed.object)
    return item if item and _time_of(item["version"]) > _time_of(listed.version) else None


def _time_of(version: str) -> str:
    return version.partition(" ")[0]


def _add_file(status: LoadStatus, file: ListedFile, item: LedgerItem | None, backfill: BackfillState) -> None:
    if item is None or item["status"] != "loaded":
        status.not_loaded.append(_unloaded_file(file["key"], item))
        return
    bucket = check_bucket(item.get("bucket_id", ""), _bucket_ids(backfill).get(item["dataset"], ""))
    if reason := _reason_unloaded(file, item, bucket, backfill):
        status.not_loaded.append({**_unloaded_file(file["key"], item), **reason})
        return
    if item.get("verdict") == "partly loaded":
        status.partly_loaded.append(file["key"])
    status.not_checkable += bucket == "not checkable"
    status.reloaded += file["replaced"]


def _replaced(keys: Iterable[str], bucket: str) -> set[str]:
    """Return those of the keys of skipped files of which a newer revision has the slot."""
    datasets = {key: dataset for key in keys if (dataset := replacing_dataset_of(key))}
    slots = {key: slot_name(bucket, key, dataset) for key, dataset in datasets.items()}
    heads = head_revisions(slots.values())
    return {key for key, slot in slots.items() if heads.get(slot, "") > sort_key(revision_of(key, datasets[key]))}


def _reason_unloaded(
    file: ListedFile, item: LedgerItem, bucket: BucketCheck, backfill: BackfillState
) -> UnloadedReason | None:
    """Return why a file counts as not loaded although the ledger shows it as loaded; None if it counts as loaded."""
    if bucket == "replaced":
        current = _bucket_ids(backfill)[item["dataset"]]
        message = f"it was loaded into the bucket {item['bucket_id']}, which was replaced by {current}"
        return {"status": "replaced", "message": message}
    if backfill.get("force") and not _is_loaded_again(file, item, backfill):
        return {"status": "unchanged", "message": "its load did not start; it was loaded before this backfill"}
    return None


def _is_loaded_again(file: ListedFile, item: LedgerItem, backfill: BackfillState) -> bool:
    """Return whether another execution loaded the file since it was listed.

    A former release made no list. Its backfills compare times: claims have them in whole seconds.
    """
    if "list" in backfill:
        return item["execution"] != file["former_execution"]
    started_at = datetime.fromisoformat(backfill["execution"]["start_time"])
    return item.get("claimed_at", "") >= utc_seconds(started_at)


def _bucket_ids(backfill: BackfillState) -> Mapping[str, str]:
    return backfill["health"].get("bucket_ids", {}) if "health" in backfill else {}


def _absent_file(key: str) -> UnloadedFile:
    message = "the manifest names it, but it does not exist in the bucket: correct the manifest, or upload the file"
    return {"key": key, "status": "absent", "error": "", "message": message, "execution": "", "report": ""}


def _unloaded_file(key: str, item: LedgerItem | None) -> UnloadedFile:
    if item is None:
        message = "its load did not start, or failed before its version was known"
        return {"key": key, "status": "unknown", "error": "", "message": message, "execution": "", "report": ""}
    return {
        "key": key,
        "status": item["status"],
        "error": item.get("error", ""),
        "message": item.get("message", f"being loaded; its claim expires at {item.get('lease_until')}"),
        "execution": item["execution"],
        "report": item.get("report", ""),
    }
