"""The slots of datasets with `revisions = "replace"`: whether a newer revision has the slot of a file."""

from datetime import UTC, datetime

from cli.deployed.stack import Deployment
from shared.revisions import revision_of, sort_key
from shared.slots import Slot, SlotFile, file_items, held_revision, replacing_dataset_of, revision_of_object, slot_name


class Slots:
    """The slots of a deployment, each of which is read once: many files of one may be asked about."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._held: dict[str, SlotFile | None] = {}

    def newer_revision(self, key: str) -> str:
        """Return the newer revision because of which a load would be skipped, as its key names it, or ""."""
        if (dataset := replacing_dataset_of(key)) is None:
            return ""
        name = slot_name(self._deployment.source_bucket, key, dataset)
        if name not in self._held:
            self._held[name] = self._read_held(name)
        held = self._held[name]
        is_newer = held is not None and held["revision"] > sort_key(revision_of(key, dataset))
        return revision_of_object(held["source"], dataset) if held and is_newer else ""

    def _read_held(self, name: str) -> SlotFile | None:
        """Return a file of the revision that has the slot, as ValidateSchema finds it; None if none has it."""
        files = Slot(self._deployment.ledger, name).read().files
        held = held_revision(files, file_items(files, self._deployment.ledger), datetime.now(UTC))
        return next((file for file in files if file["revision"] == held), None)
