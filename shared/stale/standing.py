"""The standing of each version of a file: current, replaced by a newer one, or not judged yet.

A version is replaced if a newer version of its object is loaded, or, where revisions replace each other, a file of a
newer revision of its slot, or if a person has undone its load. All others are current: those that are being loaded, and
those that failed, whose next try may write what they planned.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from shared.datasets import DATASETS, Dataset
from shared.ledger import LedgerItem, bucket_and_key, is_newer
from shared.revisions import revision_of, slot_of, sort_key
from shared.slots import is_running

Standing = Literal["current", "replaced", "not judged"]


class StandingItem(NamedTuple):
    """An item of the ledger and its standing."""

    item: LedgerItem
    standing: Standing


WITHDRAWN = "withdrawn with "
"""How the message of a version begins whose load a person withdrew: it is skipped, and no newer one replaced it."""


def standings(items: Iterable[LedgerItem], now: datetime, pause: timedelta) -> Iterator[StandingItem]:
    """Yield the standing of each item.

    Args:
        items: The items of all versions of some objects; where revisions replace each other, of whole slots.
        now: The time.
        pause: For how long no file of a revision must have arrived before the revision before is judged: the rest of
            its files may still come.
    """
    groups: dict[str, list[LedgerItem]] = {}
    for item in items:
        groups.setdefault(_group_name(item), []).append(item)
    for group in groups.values():
        slot = _Slot(group, now, pause)
        yield from (StandingItem(item, slot.standing(item)) for item in group)


def _group_name(item: LedgerItem) -> str:
    """Return the name of the slot, or of the object where files do not replace those of other keys."""
    bucket, key = bucket_and_key(item["object"])
    dataset = _replacing(item)
    return f"s3://{bucket}/{slot_of(key, dataset)} ({dataset.name})" if dataset else item["object"]


def _replacing(item: LedgerItem) -> Dataset | None:
    dataset = DATASETS.get(item["dataset"])
    return dataset if dataset and dataset.revisions == "replace" else None


def _revision(item: LedgerItem) -> str:
    """Return the revision that orders the files of a slot, or "" where they are not ordered."""
    dataset = _replacing(item)
    return sort_key(revision_of(bucket_and_key(item["object"])[1], dataset)) if dataset else ""


class _Slot:
    """The versions of the files of one slot, or of one object."""

    def __init__(self, items: Iterable[LedgerItem], now: datetime, pause: timedelta) -> None:
        self._now, self._pause = now, pause
        self._versions: dict[str, list[LedgerItem]] = {}
        self._revisions: dict[str, list[LedgerItem]] = {}
        for item in items:
            self._versions.setdefault(item["object"], []).append(item)
            self._revisions.setdefault(_revision(item), []).append(item)
        self._loaded = {
            revision: max((item["changed_at"] for item in files if item["status"] == "loaded"), default="")
            for revision, files in self._revisions.items()
        }

    def standing(self, item: LedgerItem) -> Standing:
        """Return the standing of one version.

        If a person forced an older one to be loaded after a newer one, both are current: it is a decision to have
        those values.
        """
        if is_running(item, self._now):
            return "current"
        if item["status"] == "undone":
            return "replaced"
        is_withdrawn = item["status"] == "skipped" and item.get("message", "").startswith(WITHDRAWN)
        loaded_at = item["changed_at"] if item["status"] == "loaded" else ""
        newer = [other for other in self._versions[item["object"]] if is_newer(other, item)]
        if is_withdrawn or any(each["status"] == "loaded" and each["changed_at"] >= loaded_at for each in newer):
            return "replaced"
        revisions = [revision for revision in self._revisions if revision > _revision(item)]
        if not any(self._loaded[each] and self._loaded[each] >= loaded_at for each in revisions):
            return "current"
        return "replaced" if all(self._is_complete(each) for each in revisions) else "not judged"

    def _is_complete(self, revision: str) -> bool:
        """Return whether no file of a revision is being loaded, or changed in the ledger within the pause."""
        return all(
            not is_running(item, self._now) and datetime.fromisoformat(item["changed_at"]) <= self._now - self._pause
            for item in self._revisions[revision]
        )
