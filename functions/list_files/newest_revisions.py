"""The files of a listing without those that a newer revision of their slot replaces.

S3 lists keys in their order, so a slot is complete as soon as a key behind it was listed. `NewestRevisions.add` keeps
back the files of slots that are not. Only where a list begins or ends inside a slot, `_newest_listed` looks into the
bucket for its newest revision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.list_files.undone import UndoneVersions
from shared.datasets import Dataset
from shared.events import ListPosition
from shared.file_keys import skip_kind
from shared.ledger_items import ItemKey
from shared.revisions import revision_of, slot_of, sort_key
from shared.settings import file_rule
from shared.slots import replacing_dataset_of
from shared.source import source_errors
from shared.source_pages import pages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Files = dict[str, ItemKey]
"""The ledger's keys of files, by the keys of the objects."""


@dataclass
class _Slot:
    """The newest revision of a slot so far, and its files."""

    dataset: Dataset
    revision: str
    files: Files = field(default_factory=dict)


class NewestRevisions:
    """A filter of one list. `older` is the number of files that it dropped."""

    def __init__(self, client: "S3Client", bucket: str, start: ListPosition, undone: UndoneVersions) -> None:
        self._client = client
        self._bucket = bucket
        self._start = start
        self._undone = undone
        self._slots: dict[tuple[str, str], _Slot] = {}
        self.older = 0

    @property
    def pending(self) -> int:
        """The number of files in slots that are not complete."""
        return sum(len(slot.files) for slot in self._slots.values())

    def add(self, files: Mapping[str, ItemKey], end: ListPosition | None) -> Files:
        """Take the files of the next page. Return those that are to be kept, whatever the next pages have.

        Args:
            files: The files, which may be none: a page may have only other objects, and old or deleted versions.
            end: Where the page ends; None if it is the last one.
        """
        kept: Files = {}
        for key, name in files.items():
            if dataset := replacing_dataset_of(key):
                self._add_file(key, name, dataset)
            else:
                kept[key] = name
        if end is None:
            return kept
        for slot in [slot for slot in self._slots if not end["key"].startswith(slot[0])]:
            kept |= self._slots.pop(slot).files
        return kept

    def rest(self, *, ended: bool) -> Files:
        """Return the files to keep of the slots that are not complete. `ended` tells that no page follows."""
        kept: Files = {}
        for (folder, _), slot in self._slots.items():
            if ended or self._newest_listed(folder, slot.dataset) <= slot.revision:
                kept |= slot.files
            else:
                self.older += len(slot.files)
        return kept

    def _add_file(self, key: str, name: ItemKey, dataset: Dataset) -> None:
        folder, revision = slot_of(key, dataset), sort_key(revision_of(key, dataset))
        slot_key = (folder, dataset.name)
        if slot_key not in self._slots:
            begun_before = self._start["key"].startswith(folder)
            first = self._newest_listed(folder, dataset) if begun_before else revision
            self._slots[slot_key] = _Slot(dataset, first)
        slot = self._slots[slot_key]
        if revision > slot.revision:
            self.older += len(slot.files)
            self._slots[slot_key] = slot = _Slot(dataset, revision)
        if revision < slot.revision:
            self.older += 1
        else:
            slot.files[key] = name

    def _newest_listed(self, slot: str, dataset: Dataset) -> str:
        """Return the newest revision of which the bucket has a file."""
        paginator = self._client.get_paginator("list_object_versions")
        with source_errors(self._bucket, slot):
            # The name of the folder may have escapes, so it cannot be part of the prefix.
            replies = paginator.paginate(Bucket=self._bucket, Prefix=slot, Delimiter="/")
            folders = [each["Prefix"] for reply in replies for each in reply.get("CommonPrefixes", [])]
        revisions = {folder: sort_key(name) for folder in folders if (name := revision_of(folder, dataset))}
        newest_first = sorted(revisions, key=revisions.__getitem__, reverse=True)
        return next((revisions[folder] for folder in newest_first if self._has_file(folder, dataset)), "")

    def _has_file(self, folder: str, dataset: Dataset) -> bool:
        """Return whether a folder has a file of the dataset that is not undone: files of others may be in it, too."""
        rule = file_rule()
        listed = (version for page in pages(self._client, self._bucket, folder) for version in page.versions)
        files = (each for each in listed if not skip_kind(each["Key"], rule))
        return any(replacing_dataset_of(each["Key"]) == dataset and self._undone.standing(each) for each in files)
