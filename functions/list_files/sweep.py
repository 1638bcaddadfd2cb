"""The lists of a sweep: files that failed or were abandoned and can heal, and objects that the ledger does not have.

`list_unloaded` reads both from the ledger's index of changes, and keeps the newest version of each object if its next
try is due (`shared.healing`). `list_unknown` reads the bucket, once a day: it finds files whose event never came.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from functions.list_files.listing import MAX_FILES, Listing
from shared.events import BackfillState, ListPosition
from shared.file_keys import skip_kind
from shared.healing import given_up_at, next_try_at
from shared.ledger import CHANGES, LedgerItem, ledger, newest_item, object_name, query_items
from shared.ledger_items import ItemKey, items_by_key
from shared.settings import file_rule
from shared.source_pages import current_version, item_key, pages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GRACE = timedelta(minutes=15)
"""How old an unknown object must be, unless a person asks for the list: the event of a younger one may still come."""


@dataclass
class Unloaded:
    """The files of a sweep.

    Attributes:
        listing: The files to load now.
        waiting: The number of files that can heal and whose next try is not due yet.
        given_up: The number of files that used up their last try since the last sweep.
    """

    listing: Listing = field(default_factory=Listing)
    waiting: int = 0
    given_up: int = 0

    @property
    def backlog(self) -> int:
        """The number of files that are not loaded and can heal."""
        return len(self.listing.lines) + self.waiting


def list_unloaded(
    client: "S3Client", backfill: BackfillState, *, now: datetime, last_sweep: datetime, has_time: Callable[[], bool]
) -> Unloaded:
    """Return the versions under the prefix that failed or were abandoned, and can heal.

    A list that the time does not suffice for ends early: the next sweep reads the ledger again.
    """
    unloaded, start = Unloaded(), object_name(backfill["bucket"], backfill["prefix"])
    for status in ("claimed", "failed"):
        for item in _changes(status):
            if item["object"].startswith(start) and has_time():
                _add_item(client, unloaded, item, now=now, last_sweep=last_sweep)
    return unloaded


def _add_item(client: "S3Client", unloaded: Unloaded, item: LedgerItem, *, now: datetime, last_sweep: datetime) -> None:
    """Count an item, and list its object if it is due. A claim whose lease has not ended is a load that runs."""
    due, gave_up = next_try_at(item), given_up_at(item)
    unloaded.given_up += gave_up is not None and last_sweep <= gave_up < now
    if due is None or (item["status"] == "claimed" and due >= now):
        return
    newest = newest_item(item["object"])
    if newest is None or newest["version"] != item["version"]:
        return
    if due > now:
        unloaded.waiting += 1
        return
    bucket, _, key = item["object"].removeprefix("s3://").partition("/")
    if (version := current_version(client, bucket, key)) and len(unloaded.listing.lines) < MAX_FILES:
        unloaded.listing.add(key, item_key(bucket, version), former_execution=item["execution"])


def _changes(status: str) -> Iterator[LedgerItem]:
    return query_items(
        ledger(),
        IndexName=CHANGES,
        KeyConditionExpression="#status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": status},
    )


def list_unknown(
    client: "S3Client",
    backfill: BackfillState,
    start: ListPosition,
    *,
    since: datetime,
    now: datetime,
    has_time: Callable[[], bool],
) -> Listing:
    """Return the files that were modified since `since`, and of which the ledger has no version with their time."""
    listing, rule = Listing(), file_rule()
    until = now if backfill.get("list_bucket") else now - GRACE
    for page in pages(client, backfill["bucket"], backfill["prefix"], start):
        files = dict[str, ItemKey]()
        for version in page.versions:
            is_file = version["Size"] > 0 and not skip_kind(version["Key"], rule)
            if is_file and since <= version["LastModified"] <= until:
                files[version["Key"]] = item_key(backfill["bucket"], version)
        items = items_by_key(files.values())
        for key, name in files.items():
            if name not in items:
                listing.add(key, name)
        listing.next = page.next
        if len(listing.lines) >= MAX_FILES or not has_time():
            break
    return listing
