"""The lists of a sweep: files that failed or were abandoned and can heal, and objects that the ledger does not have.

`list_unloaded` reads both from the ledger's index of changes (`_candidates`), and keeps the newest version of each
object if its next try is due (`shared.healing`). A version that it never has to look at again gets a `sweep_result`.
In place of a newer revision that needs a person, an older one is listed (`list_older_revisions`). `list_unknown` reads
the bucket, once a day: it finds files whose event never came.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from functions.list_files.listing import MAX_FILES, Listing
from functions.list_files.older_revisions import ALL_EXAMINED, ExaminedSlots, list_older_revisions, slot_of_item
from functions.list_files.records import record
from shared.events import BackfillState
from shared.healing import given_up_at, next_try_at
from shared.ledger import (
    CHANGES,
    LedgerItem,
    SweepResult,
    bucket_and_key,
    ledger,
    newest_item,
    object_name,
    query_items,
)
from shared.ledger_items import ItemKey, items_by_key
from shared.logs import logger
from shared.source_pages import current_version, item_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Candidate(NamedTuple):
    """A version that failed or was abandoned, and when its next try is due, or when it used up its last one."""

    at: datetime
    has_tries: bool
    name: ItemKey
    execution: str


@dataclass
class Unloaded:
    """The files of a sweep.

    Attributes:
        listing: The files to load now.
        waiting: The number of files that can heal and are not loaded now: their next try is not due, or there was no
            time to examine them, or no space in the list.
        given_up: The versions that used up their last try, and that no sweep has counted yet.
        slots: Which of the slots were examined in which an older revision may have to be loaded.
    """

    listing: Listing = field(default_factory=Listing)
    waiting: int = 0
    given_up: list[Candidate] = field(default_factory=list)
    slots: ExaminedSlots = ALL_EXAMINED

    @property
    def backlog(self) -> int:
        """The number of files that are not loaded and can heal."""
        return len(self.listing.lines) + self.waiting


def list_unloaded(
    client: "S3Client", backfill: BackfillState, *, now: datetime, has_time: Callable[[], bool], after_slot: str = ""
) -> Unloaded:
    """Return the versions under the prefix that failed or were abandoned, and can heal.

    Those that are due come first, the oldest of them at the head. If there is not enough time for all, the rest is
    only counted, and the next sweep reads the ledger again. Slots come last, from the one after `after_slot` on.
    """
    unloaded, unexamined = Unloaded(), 0
    candidates, slots = _candidates(backfill, now)
    for candidate in sorted(candidates):
        if has_time():
            _examine(client, unloaded, candidate, now)
        else:
            unexamined += 1
            unloaded.waiting += candidate.has_tries
    unloaded.slots = list_older_revisions(client, unloaded.listing, slots, after=after_slot, now=now, has_time=has_time)
    if unexamined or unloaded.slots.unexamined:
        logger.warning(
            "no time to examine all versions and slots: the next sweep does",
            unexamined=unexamined,
            unexamined_slots=unloaded.slots.unexamined,
        )
    return unloaded


def _candidates(backfill: BackfillState, now: datetime) -> tuple[Iterable[Candidate], Mapping[str, list[LedgerItem]]]:
    """Return the versions to examine, and the items of each slot because of which it must be examined.

    The index may show a version twice that changes meanwhile.
    """
    start = object_name(backfill["bucket"], backfill["prefix"])
    candidates, slots = dict[ItemKey, Candidate](), dict[str, list[LedgerItem]]()
    for item in (*_changes("claimed"), *_changes("failed")):
        if item["object"].startswith(start):
            if candidate := _candidate(item, now):
                candidates[candidate.name] = candidate
            if "slot_examined" not in item and (slot := slot_of_item(item)):
                slots.setdefault(slot, []).append(item)
    return candidates.values(), slots


def _candidate(item: LedgerItem, now: datetime) -> Candidate | None:
    """Return the candidate of an item. A claim whose lease has not ended is a load that runs."""
    due = next_try_at(item)
    at = due or given_up_at(item)
    if at is None or (item["status"] == "claimed" and at >= now):
        return None
    return Candidate(at, due is not None, ItemKey(item["object"], item["version"]), item["execution"])


def _examine(client: "S3Client", unloaded: Unloaded, candidate: Candidate, now: datetime) -> None:
    """List a version if it is due, or count it, or record why sweeps leave it alone from now on.

    The index lags behind the table, so the newest item of the table decides.
    """
    item = newest_item(candidate.name.object)
    if item is None or item["version"] != candidate.name.version:
        _record(candidate, "replaced")
    elif newest := _candidate(item, now):
        if newest.at > now or (newest.has_tries and len(unloaded.listing.lines) >= MAX_FILES):
            unloaded.waiting += 1
        else:
            _add_due(client, unloaded, newest)


def _add_due(client: "S3Client", unloaded: Unloaded, candidate: Candidate) -> None:
    """List the current version of an object: this one, or one whose event never came."""
    bucket, key = bucket_and_key(candidate.name.object)
    version = current_version(client, bucket, key)
    current = item_key(bucket, version) if version else None
    if current is None:
        _record(candidate, "deleted")
    elif current != candidate.name and items_by_key([current]):
        _record(candidate, "replaced")
    elif candidate.has_tries or current != candidate.name:  # a version that the ledger does not have has all its tries
        unloaded.listing.add(key, current, former_execution=candidate.execution)
    else:
        unloaded.given_up.append(candidate)


def record_given_up(unloaded: Unloaded) -> None:
    """Record that the versions that used up their tries are counted: no other sweep counts them."""
    for candidate in unloaded.given_up:
        _record(candidate, "given up")


def _record(candidate: Candidate, result: SweepResult) -> None:
    """Record why sweeps leave a version alone."""
    record(candidate.name, candidate.execution, "sweep_result", result)


def _changes(status: str) -> Iterator[LedgerItem]:
    return query_items(
        ledger(),
        IndexName=CHANGES,
        KeyConditionExpression="#status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": status},
    )
