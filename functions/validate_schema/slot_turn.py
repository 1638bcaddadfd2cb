"""The order in which the revisions of a slot are loaded if the newest one replaces the others.

A load adds its file to the slot, and takes the slot for its revision, unless a newer one has it. Then it reads the slot
and waits for files of older revisions that are still being loaded. A load that reads the slot before this file is in it
has not taken the slot yet, and will find that it cannot: so of two loads of different revisions that run at the same
time, the older one is skipped, or the newer one waits for it.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from functions.validate_schema.former_files import former_files
from functions.validate_schema.turn import ITS_TURN, Turn, next_check
from shared.datasets import Dataset
from shared.events import FileRef
from shared.ledger import ledger
from shared.ledger_items import ItemKey
from shared.revisions import slot_of
from shared.slots import (
    Slot,
    SlotFile,
    file_items,
    held_revision,
    is_running,
    replacing_dataset,
    revision_of_object,
    slot_file,
    slot_name,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def slot_turn(client: "S3Client", file: FileRef, now: datetime) -> Turn:
    """Return whether the file is loaded now, skipped because of a newer revision, or must wait for an older one.

    Call it after claiming. A load that overrides the slot is neither skipped nor waits, but loads of newer revisions
    wait for it.
    """
    dataset = replacing_dataset(file["dataset"])
    return _SlotLoad(client, file, dataset, now).turn() if dataset else ITS_TURN


class _SlotLoad:
    """A load of a file of a slot, at the time `now`."""

    def __init__(self, client: "S3Client", file: FileRef, dataset: Dataset, now: datetime) -> None:
        self._client = client
        self._file = file
        self._dataset = dataset
        self._now = now
        self._slot = Slot(ledger(), slot_name(file["bucket"], file["key"], dataset))
        self._own = slot_file(ItemKey(file["claim"]["object"], file["claim"]["version"]), dataset)

    def turn(self) -> Turn:
        revision = self._own["revision"]
        self._slot.add(self._own)
        taken = self._slot.take(revision)
        if self._file["claim"].get("override_slot", self._file["claim"]["force"]):
            return ITS_TURN
        while not taken:
            if newer := self._newer_revision():
                return Turn(skipped=f"older revision than {newer}, which is loaded or being loaded")
            taken = self._slot.take(revision)
        return self._wait_for_older()

    def _newer_revision(self) -> str:
        """Return the newer revision that has the slot, as the keys name it, or "" after giving the slot to this one.

        A revision loses the slot if none of its files is loaded, or will be without a person. A slot without a head is
        new, or an earlier release loaded its files: then these are added first.
        """
        head, files = self._slot.read()
        if head is None:
            files += self._add_former_files(files)
        newer = [each for each in files if each["revision"] > self._own["revision"]]
        held = held_revision(newer, file_items(newer), self._now)
        self._slot.set_head(held or self._own["revision"], head)
        sources = (each["source"] for each in newer if each["revision"] == held)
        return next((revision_of_object(source, self._dataset) for source in sources), "")

    def _add_former_files(self, files: list[SlotFile]) -> list[SlotFile]:
        """Add the slot's files that an earlier release loaded, and return them.

        Those that are in `files` are added already: if there are too many for one invocation, the next one continues.
        """
        added: list[SlotFile] = []
        slot = slot_of(self._file["key"], self._dataset)
        known = {(each["source"], each["source_version"]) for each in files}
        for page in former_files(self._client, self._file["bucket"], slot, self._dataset):
            new = [each for each in page if (each["source"], each["source_version"]) not in known]
            self._slot.add_all(new)
            added += new
        return added

    def _wait_for_older(self) -> Turn:
        older = [each for each in self._slot.read().files if each["revision"] < self._own["revision"]]
        running = [item for items in file_items(older).values() for item in items if is_running(item, self._now)]
        return Turn(not_before=min(next_check(item, self._now) for item in running)) if running else ITS_TURN
