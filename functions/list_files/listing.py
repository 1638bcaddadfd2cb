"""The comparison of a prefix or a manifest with the ledger: which files a backfill loads, and how many it does not.

`list_files` reads the objects page by page, puts the version before in the place of an undone one (`UndoneVersions`),
drops older revisions (`NewestRevisions`), and reads the ledger's items of each page in bulk. `_add_file` decides about
one file, and keeps only a line of the list if it is to be loaded, so that memory grows with the list and not with the
bucket.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.list_files.loading_order import in_loading_order
from functions.list_files.manifest import manifest_pages
from functions.list_files.newest_revisions import NewestRevisions
from functions.list_files.undone import UndoneVersions
from shared.backfill_lists import MAX_TABLES, ListedFile, ListSummary
from shared.events import BackfillState, ListPosition
from shared.file_keys import skip_kind, table_folder
from shared.ledger import LedgerItem, check_bucket
from shared.ledger_items import ItemKey, items_by_key
from shared.settings import file_rule
from shared.source_pages import Page, pages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_FILES = 100_000
"""The length of a list: its lines take about 30 MB of memory. A page may exceed it by a thousand."""


@dataclass
class Listing:
    """The lines of a list, the summary of what it was made from, and where the next list begins.

    `note` says why a sweep loads no files although there may be some. `version_ids` has S3's ids of the versions to
    load that are not the current ones.
    """

    lines: list[str] = field(default_factory=list)
    summary: ListSummary = field(
        default_factory=lambda: ListSummary(files=0, not_checkable=0, partly_loaded=[], skipped={}, older_revisions=0)
    )
    next: ListPosition | None = None
    note: str = ""
    version_ids: Mapping[ItemKey, str] = field(default_factory=dict)

    def add(
        self, key: str, name: ItemKey, *, force: bool = False, replaced: bool = False, former_execution: str = ""
    ) -> None:
        """Count a file and add it to the list. The arguments are the fields of `ListedFile`."""
        file: ListedFile = {
            "key": key,
            "version": name.version,
            "version_id": self.version_ids.get(name, ""),
            "force": force,
            "replaced": replaced,
            "former_execution": former_execution,
        }
        self.summary["files"] += 1
        self.lines.append(json.dumps(file))

    def add_absent(self, keys: Sequence[str]) -> None:
        """Count keys of the manifest that name no object."""
        if keys:
            self.summary.setdefault("absent", []).extend(keys)

    def add_skipped(self, kind: str) -> None:
        """Count an object that is not to be loaded."""
        skipped = self.summary["skipped"]
        skipped[kind] = skipped.get(kind, 0) + 1

    def add_table(self, key: str) -> None:
        """Record the folder of a table if the object belongs to its metadata."""
        if (folder := table_folder(key)) is not None:
            tables = self.summary.setdefault("tables", [])
            if folder not in tables and len(tables) < MAX_TABLES:
                tables.append(folder)


def list_files(
    client: "S3Client", backfill: BackfillState, start: ListPosition, has_time: Callable[[], bool]
) -> Listing:
    """Return the files under the prefix of a backfill, or those of its manifest, from a position on.

    Args:
        client: The S3 client.
        backfill: The state of the backfill.
        start: Where to begin.
        has_time: Returns whether there is time for another page.

    Raises:
        AwsThrottledError: DynamoDB throttles the requests for longer than this invocation may wait.
    """
    undone = UndoneVersions(client, backfill["bucket"], force=backfill.get("force", False))
    listing = Listing(version_ids=undone.version_ids)
    revisions = NewestRevisions(client, backfill["bucket"], start, undone)
    keep_all = "manifest" in backfill or backfill.get("all_revisions", False)
    for page in _pages(client, backfill, start):
        files = _files_of(page, listing, undone)
        _add_files(listing, files if keep_all else revisions.add(files, page.next), backfill)
        listing.next = page.next
        if len(listing.lines) + revisions.pending >= MAX_FILES or not has_time():
            break
    _add_files(listing, revisions.rest(ended=listing.next is None), backfill)
    listing.summary["older_revisions"] = revisions.older
    listing.lines = in_loading_order(listing.lines)
    return listing


def _pages(client: "S3Client", backfill: BackfillState, start: ListPosition) -> Iterator[Page]:
    if manifest := backfill.get("manifest"):
        return manifest_pages(client, backfill["bucket"], manifest, start)
    return pages(client, backfill["bucket"], backfill["prefix"], start)


def _files_of(page: Page, listing: Listing, undone: UndoneVersions) -> dict[str, ItemKey]:
    """Return the files of a page, and count the other objects, and those whose versions are all undone."""
    files, rule = dict[str, ItemKey](), file_rule()
    listing.add_absent(page.absent)
    for version in page.versions:
        listing.add_table(version["Key"])
        if kind := skip_kind(version["Key"], rule):
            listing.add_skipped(kind)
        elif name := undone.standing(version):
            files[version["Key"]] = name
        else:
            listing.add_skipped("undone")
    return files


def _add_files(listing: Listing, files: Mapping[str, ItemKey], backfill: BackfillState) -> None:
    """Compare files with the ledger.

    The ledger may be read without the writes of the last second: if a file is listed although it has just been
    loaded, its claim fails, and its load is skipped.
    """
    items = items_by_key(files.values(), consistent=False)
    for key, name in files.items():
        _add_file(listing, key, name, items.get(name), backfill)


def _add_file(listing: Listing, key: str, name: ItemKey, item: LedgerItem | None, backfill: BackfillState) -> None:
    """Count a file, and list it unless it has just been undone, or is loaded into the bucket that exists now."""
    summary = listing.summary
    loaded = item is not None and item["status"] == "loaded"
    ids = backfill["health"].get("bucket_ids", {}) if "health" in backfill else {}
    bucket = check_bucket(item.get("bucket_id", ""), ids.get(item["dataset"], "")) if item else "not checkable"
    replaced, force = loaded and bucket == "replaced", backfill.get("force", False)
    if item and item["status"] == "undone" and not force:
        listing.add_skipped("undone")
        return
    if not loaded or replaced or force:
        former_execution = item["execution"] if item else ""
        listing.add(key, name, force=force or replaced, replaced=replaced, former_execution=former_execution)
        return
    summary["files"] += 1
    summary["not_checkable"] += bucket == "not checkable"
    if item and item.get("verdict") == "partly loaded":
        summary["partly_loaded"].append(key)
