"""The files that a sweep loads in place of a newer revision that failed, and needs a person.

Their loads were skipped because of the newer revision, where `revisions = "replace"`. It has lost the slot if none of
its files is loaded or can heal: then the files of the newest revision before it are loaded. There may be more slots
than one sweep has time for, so each sweep begins after the last slot of the one before (`list_older_revisions`).

Sweeps do not examine a slot again for the same failures. If no file of it is skipped, and none is being loaded that
could still be skipped, the items of the failed files say so (`slot_examined`), until they are claimed again. A file
that is skipped later is skipped because of another one. If that one fails too, its item makes a sweep examine the slot.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from functions.list_files.listing import MAX_FILES, Listing
from functions.list_files.records import record
from shared.healing import next_try_at
from shared.ledger import LedgerItem, bucket_and_key, ledger, newest_of
from shared.ledger_items import ItemKey, items_by_key
from shared.slots import Slot, SlotFile, file_items, held_revision, is_running, replacing_dataset_of, slot_name
from shared.source_pages import current_version, item_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def slot_of_item(item: LedgerItem) -> str:
    """Return the name of the slot of a version, or "" if revisions do not replace each other in its dataset."""
    bucket, key = bucket_and_key(item["object"])
    dataset = replacing_dataset_of(key)
    return slot_name(bucket, key, dataset) if dataset else ""


class ExaminedSlots(NamedTuple):
    """The last slot that was examined, or "" if all were, and the number of those that were not."""

    last: str
    unexamined: int


ALL_EXAMINED = ExaminedSlots("", 0)


def list_older_revisions(
    client: "S3Client",
    listing: Listing,
    slots: Mapping[str, Sequence[LedgerItem]],
    *,
    after: str,
    now: datetime,
    has_time: Callable[[], bool],
) -> ExaminedSlots:
    """List the files to load in place of newer revisions that need a person, while there is time and space in the list.

    Args:
        client: The S3 client.
        listing: The list.
        slots: The items because of which each slot must be examined, by the names of the slots.
        after: The last slot that the sweep before examined; "" if it examined all.
        now: The time of the sweep.
        has_time: Returns whether there is time for another slot.
    """
    last, names = after, sorted(slots, key=lambda name: (name <= after, name))
    for number, name in enumerate(names):
        if not has_time() or len(listing.lines) >= MAX_FILES:
            return ExaminedSlots(last, len(names) - number)
        if _list_in_place_of(client, listing, slots[name][0], now):
            _record_examined(slots[name])
        last = name
    return ALL_EXAMINED


def _list_in_place_of(client: "S3Client", listing: Listing, failed: LedgerItem, now: datetime) -> bool:
    """List the skipped files to load in place of a file that needs a person: the newest revision that still exists.

    Returns:
        Whether the slot is settled: no file of it is skipped, or is being loaded and may still be skipped.
    """
    files = Slot(ledger(), slot_of_item(failed)).read().files
    items, listed = file_items(files), len(listing.lines)
    for skipped in _skipped_items(files, items, now):
        for item in skipped:
            bucket, key = bucket_and_key(item["object"])
            version = current_version(client, bucket, key)
            if version and len(listing.lines) < MAX_FILES and not _is_undone(name := item_key(bucket, version)):
                listing.add(key, name, former_execution=item["execution"])
        if len(listing.lines) > listed:
            break
    is_any_running = any(is_running(item, now) for versions in items.values() for item in versions)
    return not is_any_running and not any(_is_skipped(file, items) for file in files)


def _skipped_items(
    files: Sequence[SlotFile], items: Mapping[str, list[LedgerItem]], now: datetime
) -> Iterator[list[LedgerItem]]:
    """Yield the items of skipped files of each revision, the newest first, down to the revision that has the slot."""
    held = held_revision(files, items, now) or ""
    skipped = [file for file in files if _is_skipped(file, items) and file["revision"] >= held]
    for revision in sorted({file["revision"] for file in skipped}, reverse=True):
        sources = sorted({file["source"] for file in skipped if file["revision"] == revision})
        yield [item for source in sources if (item := newest_of(items[source]))]


def _is_skipped(file: SlotFile, items: Mapping[str, list[LedgerItem]]) -> bool:
    """Return whether this is the newest version of the file, and its load was skipped."""
    newest = newest_of(items.get(file["source"], []))
    version = ItemKey(file["source"], file["source_version"])
    return newest is not None and (newest["object"], newest["version"]) == version and newest["status"] == "skipped"


def _is_undone(name: ItemKey) -> bool:
    item = items_by_key([name]).get(name)
    return item is not None and item["status"] == "undone"


def _record_examined(items: Iterable[LedgerItem]) -> None:
    """Record in items without another try that sweeps need not examine the slot because of them."""
    for item in items:
        if next_try_at(item) is None:
            record(ItemKey(item["object"], item["version"]), item["execution"], "slot_examined", value=True)
