"""The further lists of a sweep, once a day: objects of the bucket that the ledger does not have.

They are files whose event never came. A version that the ledger has is listed only if an earlier sweep found it
replaced or deleted, and it is the current one again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from functions.list_files.listing import MAX_FILES
from functions.list_files.sweep import Candidate, Unloaded
from shared.dataset_keys import source_prefixes
from shared.events import BackfillState, ListPosition
from shared.file_keys import skip_kind
from shared.healing import WAITS, tries_of
from shared.ledger import LedgerItem, SweepResult
from shared.ledger_items import ItemKey, items_by_key
from shared.settings import file_rule
from shared.source_pages import item_key, pages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GRACE = timedelta(minutes=15)
"""How old an unknown object must be, unless a person asks for the list: the event of a younger one may still come."""

CHANGEABLE: tuple[SweepResult, ...] = ("replaced", "deleted")
"""The results that no longer hold once the bucket shows the version as the current one again."""


def list_unknown(
    client: "S3Client",
    backfill: BackfillState,
    start: ListPosition,
    *,
    since: datetime,
    now: datetime,
    has_time: Callable[[], bool],
) -> Unloaded:
    """Return the files that were modified since `since`, and of which the ledger has no version with their time.

    Also return versions that an earlier sweep found replaced or deleted, and that are the current ones again.
    """
    unloaded, rule = Unloaded(), file_rule()
    listing = unloaded.listing
    by_person = backfill.get("list_bucket", False)
    until, prefixes = (now, ("",)) if by_person else (now - GRACE, source_prefixes(rule.prefix))
    for page in pages(client, backfill["bucket"], backfill["prefix"], start):
        files = dict[str, ItemKey]()
        for version in page.versions:
            is_file = version["Size"] > 0 and not skip_kind(version["Key"], rule)
            is_file &= version["Key"].startswith(prefixes)
            if is_file and since <= version["LastModified"] <= until:
                files[version["Key"]] = item_key(backfill["bucket"], version)
        items = items_by_key(files.values())
        for key, name in files.items():
            if name not in items:
                listing.add(key, name)
            elif items[name].get("sweep_result") in CHANGEABLE:
                _add_restored(unloaded, key, items[name])
        listing.next = page.next
        if len(listing.lines) >= MAX_FILES or not has_time():
            break
    return unloaded


def _add_restored(unloaded: Unloaded, key: str, item: LedgerItem) -> None:
    """Add a version that is the current one again."""
    name, has_tries = ItemKey(item["object"], item["version"]), tries_of(item) <= len(WAITS)
    if has_tries:
        unloaded.listing.add(key, name, former_execution=item["execution"])
    else:
        at = datetime.fromisoformat(item["changed_at"])
        unloaded.given_up.append(Candidate(at, has_tries, name, item["execution"]))
