"""The plan of an undo: what the ledger, S3, and the footprints say before anything is changed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import boto3

from cli.deployed.buckets import can_delete, invoke_check_health
from cli.deployed.deletions import check_reasons, plan_points, reasons_against
from cli.deployed.ledger import ledger_items
from cli.deployed.names import find_entry, find_report, is_key, item_of, suggest_load
from cli.deployed.objects import exists
from cli.deployed.stack import Deployment
from cli.deployed.stale import PreparedSearch, check_footprints, prepare_search, prepare_searches, stale_pause
from cli.deployed.undo_records import HeadChange, UndoRecord, now, version_of
from cli.deployed.undone_points import (
    SharingFile,
    count_kept,
    count_uncertain,
    files_to_load_again,
    overwritten_files,
    undone_points,
)
from cli.errors import NotFoundError, RefusedError
from cli.targets import check_dataset
from cli.undo_choice import Choice, choose, reason_against
from shared.ledger import LedgerItem, bucket_and_key, newest_of
from shared.revisions import sort_key
from shared.slots import Slot, is_running, replacing_dataset, revision_of_object, slot_name
from shared.stale.standing import standings


class Removal(NamedTuple):
    """The points that no other file has.

    Attributes:
        points: How many there are.
        uncertain: How many more may be stored, which are never deleted.
        kept: How many stay that only versions wrote that no longer exist in S3.
        requests: How many requests delete them; 0 if they stay.
        seconds: How long these take, about.
    """

    points: int
    uncertain: int
    kept: int = 0
    requests: int = 0
    seconds: float = 0.0


class UndoPlan(NamedTuple):
    """What an undo does.

    Attributes:
        choice: The versions that it concerns.
        sharing: The other files to load again, since the load overwrote values of them.
        gone: Those of them that no longer exist in S3, so that their values of the common points are lost.
        removal: The points that no other file has.
        can_delete: Whether InfluxDB can delete points.
    """

    choice: Choice
    sharing: list[SharingFile]
    gone: list[SharingFile]
    removal: Removal
    can_delete: bool

    @property
    def undone(self) -> list[LedgerItem]:
        """All versions that become undone."""
        return [*self.choice.undone, *self.choice.lost]

    @property
    def load_again(self) -> list[LedgerItem]:
        """The versions to load again, in the order in which they were loaded first."""
        items = [*self.choice.in_place, *(each.item for each in self.sharing)]
        return sorted(items, key=lambda item: item["changed_at"])


def find_item(deployment: Deployment, load: str) -> LedgerItem:
    """Return the version that a load ID or an execution loaded; for a key, the one that was loaded last.

    Raises:
        NotFoundError: There is no such load.
        RefusedError: It is running, or several names begin so.
    """
    if not is_key(load):
        item = item_of(deployment, find_report(deployment, load))
    else:
        entry = find_entry(deployment, load)
        versions = ledger_items(deployment, entry.object) if entry else []
        loaded = [each for each in versions if each["status"] == "loaded"]
        item = max(loaded, key=lambda each: each["changed_at"]) if loaded else newest_of(versions)
    if item is None:
        raise NotFoundError(
            f"the ledger has no load of {load!r}{suggest_load(deployment, load)}: `loader history` lists recent loads"
        )
    return item


def make_plan(deployment: Deployment, named: LedgerItem, *, delete: bool, force: bool) -> UndoPlan:
    """Return the plan of an undo. Changes nothing.

    Raises:
        RefusedError: The version cannot be undone, or something speaks against deleting its points.
    """
    check_dataset(named["dataset"])
    [prepared] = prepare_searches(deployment, "", named["dataset"])
    time = datetime.now(UTC)
    named = _check(deployment, prepared, named, time)
    choice = choose(named, prepared.items, lambda item: exists(deployment, item))
    if running := next((each for each in choice.undone if is_running(each, time)), None):
        raise RefusedError(f"nothing was undone: {running['object']} is being loaded by {running['execution']}")
    after = with_undone(deployment, prepared, [*choice.undone, *choice.lost])
    _check_known(after, [*choice.undone, *choice.lost])
    check_footprints(after)
    files = files_to_load_again(deployment, after, choice.undone, choice.in_place)
    present = [exists(deployment, each.item) for each in files]
    deletes = can_delete(invoke_check_health(deployment))
    plan = UndoPlan(
        choice,
        [each for each, is_present in zip(files, present, strict=True) if is_present],
        [each for each, is_present in zip(files, present, strict=True) if not is_present],
        _removal(deployment, after, choice, delete=delete and deletes, force=force),
        deletes,
    )
    if not force:
        _check_overwrites_nothing(deployment, after, plan)
    return plan


def _check_overwrites_nothing(deployment: Deployment, after: PreparedSearch, plan: UndoPlan) -> None:
    """Raise RefusedError if a load of the plan would overwrite values that nobody can write again."""
    gone = [each.item for each in plan.gone]
    if overwritten := overwritten_files(deployment, after, plan.load_again, gone):
        more = f" and of {len(overwritten) - 1:,} more" if len(overwritten) > 1 else ""
        raise RefusedError(
            f"nothing was undone: the files to load again would overwrite values of {overwritten[0]}{more}, which is "
            "not in S3 any more, so that nobody could write them again. Upload it again, or add --force to lose them"
        )


def _check(deployment: Deployment, prepared: PreparedSearch, named: LedgerItem, time: datetime) -> LedgerItem:
    """Return the item of the version as it is now. Raise RefusedError if it cannot be undone."""
    judged = standings(prepared.items, time, stale_pause(deployment))
    item, standing = next(each for each in judged if _is_same(each.item, named))
    if reason := reason_against(item, standing, time):
        raise RefusedError(f"{item['object']} was not undone: {reason}")
    return item


def _is_same(one: LedgerItem, other: LedgerItem) -> bool:
    return (one["object"], one["version"]) == (other["object"], other["version"])


def with_undone(deployment: Deployment, prepared: PreparedSearch, undone: Sequence[LedgerItem]) -> PreparedSearch:
    """Return the search as it will be once these versions are undone."""
    keys = {(each["object"], each["version"]) for each in undone}
    items: list[LedgerItem] = [
        {**each, "status": "undone", "load_ended_at": each["changed_at"]}
        if (each["object"], each["version"]) in keys
        else each
        for each in prepared.items
    ]
    return prepare_search(deployment, prepared.measurement, items, prepared.read_at)


def _check_known(after: PreparedSearch, undone: Sequence[LedgerItem]) -> None:
    """Raise RefusedError if a version to undo may have points, but has no footprint."""
    known = {each.item["load_id"] for each in after.loads.replaced}
    for item in undone:
        if item["object"] in after.loads.unknown and item["load_id"] not in known:
            raise RefusedError(
                f"nothing was undone: nobody knows which points {item['object']} wrote: run `loader footprints "
                f"{bucket_and_key(item['object'])[1]!r}` first"
            )


def _removal(deployment: Deployment, after: PreparedSearch, choice: Choice, *, delete: bool, force: bool) -> Removal:
    """Return how many points will go. Raise RefusedError if something speaks against deleting them."""
    ids, lost = load_ids(choice.undone), load_ids(choice.lost)
    points, uncertain = undone_points(deployment, after, ids), count_uncertain(deployment, after, ids)
    kept = count_kept(deployment, after, lost, points.stale)
    check_footprints(after)
    count, names = len(points.stale.points.time), {each["object"] for each in choice.undone}
    if not (delete and count):
        return Removal(count, uncertain, kept)
    if not force:
        check_reasons(reasons_of(after, names), REMEDY)
    try:
        planned = plan_points(deployment, after, points, names.__contains__)
    except RefusedError as error:
        raise RefusedError(f"{error}. To undo the load and leave these points for now, add --no-delete") from error
    requests, seconds = (len(planned.plan.requests), planned.plan.seconds) if planned else (0, 0.0)
    return Removal(count, uncertain, kept, requests, seconds)


def load_ids(items: Iterable[LedgerItem]) -> set[str]:
    """Return the load IDs of versions."""
    return {each["load_id"] for each in items}


def reasons_of(prepared: PreparedSearch, names: set[str]) -> list[str]:
    """Return what speaks against deleting points of these objects.

    The share of the points that go does not: a person has named the load.
    """
    return reasons_against(prepared, names.__contains__, max_stale_rate=float("inf"))


REMEDY = (
    "Load these files first. If nothing of them is missing, add --force; to leave the points that no other file has, "
    "add --no-delete"
)
"""What to do if something speaks against deleting points of an undone load."""


def record_of(deployment: Deployment, plan: UndoPlan) -> UndoRecord:
    """Return the record of an undo that begins now."""
    named = plan.choice.undone[0]
    return {
        "load_id": named["load_id"],
        "dataset": named["dataset"],
        "undone": [version_of(each) for each in plan.undone],
        "load_ids": sorted(load_ids(plan.choice.undone)),
        "load_again": [version_of(each) for each in plan.load_again],
        "gone": [each.item["object"] for each in plan.gone],
        "head": _head_change(deployment, named, plan.choice.head),
        "begun_at": now(),
        "by": boto3.client("sts").get_caller_identity()["Arn"],
    }


def _head_change(deployment: Deployment, named: LedgerItem, revision: str | None) -> HeadChange | None:
    """Return the change of the slot's head, unless it has another revision than the one that is undone."""
    dataset = replacing_dataset(named["dataset"])
    if dataset is None or revision is None:
        return None
    slot = slot_name(*bucket_and_key(named["object"]), dataset)
    former = sort_key(revision_of_object(named["object"], dataset))
    head = Slot(deployment.ledger, slot).read().head
    return {"slot": slot, "former": former, "revision": revision} if head == former else None
