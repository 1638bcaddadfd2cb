"""The slots of datasets with `revisions = "replace"`: whether a newer revision has the slot of a file."""

from datetime import UTC, datetime

from cli.deployed.ledger import Entry, newest
from cli.deployed.stack import Deployment
from shared.revisions import revision_of, sort_key
from shared.slots import Slot, replacing_dataset_of, slot_name


def newer_revision(deployment: Deployment, key: str) -> str:
    """Return the newer revision because of which a load of the object would be skipped, as its key names it, or ""."""
    if (dataset := replacing_dataset_of(key)) is None:
        return ""
    own, now = sort_key(revision_of(key, dataset)), datetime.now(UTC)
    files = Slot(deployment.ledger, slot_name(deployment.source_bucket, key, dataset)).read().files
    newer = [file for file in files if file["revision"] > own]
    held = [file for file in newer if _is_held(newest(deployment, file["source"]), now)]
    last = max(held, key=lambda file: file["revision"], default=None)
    return revision_of(last["source"], dataset) if last else ""


def _is_held(entry: Entry, now: datetime) -> bool:
    """Return whether the file is loaded, is being loaded, or will be again by the sweep."""
    running = entry.lease_until is not None and not entry.abandoned(now)
    return entry.status == "loaded" or running or entry.next_try_at is not None
