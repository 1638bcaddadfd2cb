"""The versions that an undo concerns: which become undone, and which are loaded again in their place.

`reason_against` tells why a version cannot be undone. `choose` finds the version before it of the same object. Without
one, where revisions replace each other, the undo concerns the whole revision, and the files of the revision before are
loaded again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cmp_to_key
from itertools import takewhile
from typing import NamedTuple

from shared.datasets import Dataset
from shared.ledger import LedgerItem, bucket_and_key, is_newer
from shared.revisions import sort_key
from shared.slots import is_running, replacing_dataset, revision_of_object, slot_name
from shared.stale.standing import WITHDRAWN, Standing

Exists = Callable[[LedgerItem], bool]
"""Returns whether a version still exists in S3."""


class Choice(NamedTuple):
    """The versions that an undo concerns.

    Attributes:
        undone: The versions to undo, the one that the operator named first.
        lost: Loaded versions that would stand again, but no longer exist in S3, so that nobody can write their values:
            they become undone, too.
        in_place: The versions that stand again.
        head: The revision that gets the slot, in the form that sorts; None if the slot stays as it is.
    """

    undone: list[LedgerItem]
    lost: list[LedgerItem]
    in_place: list[LedgerItem]
    head: str | None = None


def reason_against(item: LedgerItem, standing: Standing, now: datetime) -> str:
    """Return why a version cannot be undone, and what to do instead; "" if it can."""
    key = bucket_and_key(item["object"])[1]
    if is_running(item, now):
        return f"it is being loaded by {item['execution']}: wait for its end (`loader watch`)"
    if item["status"] != "loaded":
        since = f"{item['status']} since {item['changed_at'][:19]}"
        return f"it is not loaded, but {since}: `loader history {key!r}` says more"
    if standing == "replaced":
        return f"a newer version or revision is loaded: `loader stale {key!r}` lists the points that it left"
    if standing == "not judged":
        return f"files of a newer revision have just been loaded: look at `loader stale {key!r}` later"
    if int(item.get("input_rows", 1)) and not item.get("footprint"):
        return f"nobody knows which points it wrote: run `loader footprints {key!r}` first"
    return ""


def choose(named: LedgerItem, items: Iterable[LedgerItem], exists: Exists) -> Choice:
    """Return the versions that the undo of a loaded version concerns.

    Args:
        named: The version.
        items: The items of all versions of its measurement.
        exists: Tells whether a version still exists.
    """
    slot = _slot_items(named, items)
    versions = [each for each in slot if each["object"] == named["object"] and each["version"] != named["version"]]
    before, lost = _version_before(versions, exists)
    alone = Choice([named], lost, [before] if before else [])
    if before and _is_settled(before):
        return alone
    own = _revision(named)
    same = [each for each in slot if _revision(each) == own and each["status"] in ("loaded", "failed", "claimed")]
    undone = [named, *(each for each in same if each not in (named, *lost))]
    choice, failed = alone, [alone] if before else []
    for choice in _revisions_before(Choice(undone, lost, []), _older_revisions(named, slot), exists):
        if any(map(_is_settled, choice.in_place)):
            return choice
        failed += [choice] if choice.in_place else []
    return failed[0] if failed else choice


def _revisions_before(
    choice: Choice, older: Mapping[str, Sequence[Sequence[LedgerItem]]], exists: Exists
) -> Iterator[Choice]:
    """Yield a choice for each older revision, the newest first: its files stand again, as far as they exist."""
    lost = choice.lost
    for revision in sorted(older, reverse=True):
        results = [_version_before(each, exists) for each in older[revision]]
        lost = [*lost, *(item for _, items in results for item in items)]
        in_place = [item for item, _ in results if item]
        yield Choice(choice.undone, lost, in_place, revision if in_place else None)


def _slot_items(named: LedgerItem, items: Iterable[LedgerItem]) -> list[LedgerItem]:
    """Return the items of the slot of a version; without one, those of its object."""
    if (dataset := replacing_dataset(named["dataset"])) is None:
        return [each for each in items if each["object"] == named["object"]]
    slot = _slot(named, dataset)
    return [each for each in items if replacing_dataset(each["dataset"]) == dataset and _slot(each, dataset) == slot]


def _slot(item: LedgerItem, dataset: Dataset) -> str:
    return slot_name(*bucket_and_key(item["object"]), dataset)


def _revision(item: LedgerItem) -> str:
    """Return the revision of a file in the form that sorts, or "" where revisions do not replace each other."""
    dataset = replacing_dataset(item["dataset"])
    return sort_key(revision_of_object(item["object"], dataset)) if dataset else ""


def _older_revisions(named: LedgerItem, slot: Iterable[LedgerItem]) -> dict[str, list[list[LedgerItem]]]:
    """Return the versions of each file that may stand again, by the older revisions of the slot."""
    revisions: dict[str, dict[str, list[LedgerItem]]] = {}
    for each in slot:
        if _revision(each) < _revision(named) and may_stand(each):
            revisions.setdefault(_revision(each), {}).setdefault(each["object"], []).append(each)
    return {revision: list(files.values()) for revision, files in revisions.items()}


def may_stand(item: LedgerItem) -> bool:
    """Return whether nobody took a version back, so that it may stand again."""
    return item["status"] != "undone" and not (
        item["status"] == "skipped" and item.get("message", "").startswith(WITHDRAWN)
    )


def _is_settled(item: LedgerItem) -> bool:
    """Return whether a version is loaded, or was skipped because of another one that may now be undone."""
    return item["status"] in ("loaded", "skipped")


def _version_before(versions: Iterable[LedgerItem], exists: Exists) -> tuple[LedgerItem | None, list[LedgerItem]]:
    """Return the version of an object that stands again, and the newer ones that are loaded, but no longer exist.

    That is the newest version that exists, and that was loaded or skipped; if there is none, the newest one whose load
    failed or was abandoned, since its file has the values to write.
    """
    newest_first = _newest_first(filter(may_stand, versions))
    settled, others = ([each for each in newest_first if _is_settled(each) is wanted] for wanted in (True, False))
    missing = list(takewhile(lambda each: not exists(each), settled))
    lost = [each for each in missing if each["status"] == "loaded"]
    return next(iter(settled[len(missing) :]), None) or next(filter(exists, others), None), lost


def _newest_first(versions: Iterable[LedgerItem]) -> Sequence[LedgerItem]:
    last_changed_first = sorted(versions, key=lambda each: each["changed_at"], reverse=True)
    return sorted(last_changed_first, key=cmp_to_key(_compare))


def _compare(one: LedgerItem, other: LedgerItem) -> int:
    return is_newer(other, one) - is_newer(one, other)
