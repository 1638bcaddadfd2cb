"""The points of undone loads: which other files have them, too, and which of them no file has any more.

`files_to_load_again` compares footprints: it finds the files whose values an undone load overwrote, or that left points
out because of it. `undone_points` finds what is to be deleted.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cli.deployed.stack import Deployment
from cli.deployed.stale import PreparedSearch
from cli.errors import RefusedError
from cli.overlaps import standing
from shared.datasets import DATASETS
from shared.footprints import Footprint
from shared.ledger import LedgerItem
from shared.point_index import PointIndex, subtract
from shared.slots import is_running
from shared.stale.plans import Footprints, IncompleteFootprintError, Plan
from shared.stale.search import StaleSearch
from shared.stale.stale_set import StaleSet, union, with_kept_points


class SharingFile(NamedTuple):
    """A current file that has points in common with an undone load, and how many."""

    item: LedgerItem
    points: int


def files_to_load_again(
    deployment: Deployment, prepared: PreparedSearch, undone: Sequence[LedgerItem], in_place: Sequence[LedgerItem]
) -> list[SharingFile]:
    """Return the files of which an undone load overwrote values, those that were loaded first at the head.

    Those whose load failed or was abandoned are among them: InfluxDB may lack any of their values.

    Where the dataset declares no revision, the file that was written last stands. So a file that was written after one
    that is loaded again has to be loaded again after it, if both have common points.

    Args:
        deployment: The stack.
        prepared: The search among all loads of the measurement, in which those of `undone` are replaced.
        undone: The undone versions, as they were when they were loaded.
        in_place: The versions that are loaded again in their place.
    """
    files, own = Files(deployment, prepared, in_place), {each["load_id"] for each in undone}
    plans = [each.plan for each in prepared.loads.replaced if each.item["load_id"] in own]
    for sharing in files.sharing_with(plans):
        is_loaded = sharing.item["status"] == "loaded"
        if not is_loaded or any(_stands_over(each, sharing.item) for each in undone):
            files.add(sharing)
    files.add_overwritten([*in_place, *(each.item for each in files.added)])
    return sorted(files.added, key=lambda each: each.item["changed_at"])


def _stands_over(undone: LedgerItem, other: LedgerItem) -> bool:
    result = standing(undone, other)
    return result is not None and result.file is undone


class Files:
    """The current files of a measurement, of which some are loaded again."""

    def __init__(self, deployment: Deployment, prepared: PreparedSearch, in_place: Iterable[LedgerItem]) -> None:
        self._footprints = Footprints(deployment.s3, deployment.work_bucket)
        self._items = {each["load_id"]: each for each in prepared.items}
        known = {each["load_id"] for each in in_place}
        self._plans = [
            plan
            for plan in prepared.loads.current
            if plan.load_id not in known and not is_running(self._items[plan.load_id], prepared.read_at)
        ]
        self._all = [*prepared.loads.current, *(each.plan for each in prepared.loads.replaced)]
        self.added: list[SharingFile] = []

    def add(self, file: SharingFile) -> None:
        """Load a file again."""
        self.added.append(file)
        self._plans = [plan for plan in self._plans if plan.load_id != file.item["load_id"]]

    def add_overwritten(self, items: Iterable[LedgerItem]) -> None:
        """Load the files again that loads of these items would overwrite, and those that they would, in turn."""
        queue = [*items]
        while queue:
            for sharing in self.overwritten_by(queue.pop()):
                self.add(sharing)
                queue.append(sharing.item)

    def sharing_with(self, plans: Iterable[Plan]) -> list[SharingFile]:
        """Return the files that are not loaded again yet, and have points in common with one of these plans.

        Raises:
            RefusedError: A footprint lacks parts, which may have any point.
        """
        try:
            counts = self._count_shared(plans)
        except IncompleteFootprintError as error:
            raise RefusedError(
                f"nothing was changed: the footprint of {error.plan.source} lacks parts, so nobody knows which points "
                "it has: run `loader footprints` first, and load the file again if it has nothing to rebuild"
            ) from error
        return [SharingFile(self._items[load_id], count) for load_id, count in counts.items()]

    def _count_shared(self, plans: Iterable[Plan]) -> Mapping[str, int]:
        """Return how many points files have in common with plans, by load ID."""
        counts: dict[str, int] = {}
        for part in (part for plan in plans for part in self._footprints.read(plan)):
            index = PointIndex(part, part.names)
            for other in self._plans:
                shared = index.shared_fields(self._footprints.read(other, index.range))
                if count := int(np.count_nonzero(shared)):
                    counts[other.load_id] = counts.get(other.load_id, 0) + count
        return counts

    def overwritten_by(self, item: LedgerItem) -> list[SharingFile]:
        """Return the files that were written after a file, and whose values it overwrites if it is loaded again."""
        if DATASETS[item["dataset"]].revision is not None:
            return []
        own = [plan for plan in self._all if plan.load_id == item["load_id"]]
        return [each for each in self.sharing_with(own) if each.item["changed_at"] > item["changed_at"]]


def overwritten_files(
    deployment: Deployment, prepared: PreparedSearch, load_again: Iterable[LedgerItem], gone: Iterable[LedgerItem]
) -> list[str]:
    """Return the objects of `gone` that stand over files to load again, whose loads would overwrite their values."""
    ids = {each["load_id"] for each in gone}
    files = Files(deployment, prepared, [each for each in prepared.items if each["load_id"] not in ids])
    return sorted({each.item["object"] for item in load_again for each in files.overwritten_by(item)})


def undone_points(deployment: Deployment, prepared: PreparedSearch, load_ids: Collection[str]) -> StaleSet:
    """Return the points of undone loads that no current file has, and all points around them that are to stay.

    Points that other replaced loads left are stale, too, but nobody asked to delete them: they stay.
    """
    parts = _search(deployment, prepared, load_ids).find()
    return with_kept_points(prepared.search, union(part.points for part in parts if part.kind == "stored"))


def count_uncertain(deployment: Deployment, prepared: PreparedSearch, load_ids: Collection[str]) -> int:
    """Return how many points of undone loads may be stored, and are not deleted since nobody knows."""
    parts = _search(deployment, prepared, load_ids).find()
    return sum(len(part.points.points.time) for part in parts if part.kind == "uncertain")


def count_kept(deployment: Deployment, prepared: PreparedSearch, load_ids: Collection[str], stale: Footprint) -> int:
    """Return how many points of these loads no current file has, besides those in `stale`."""
    parts = (part.points for part in _search(deployment, prepared, load_ids).find() if part.kind == "stored")
    return len(subtract(union(parts), [stale]).points.time)


def _search(deployment: Deployment, prepared: PreparedSearch, load_ids: Collection[str]) -> StaleSearch:
    """Return the search for the points of these loads only."""
    replaced = [each for each in prepared.loads.replaced if each.item["load_id"] in load_ids]
    loads = prepared.loads._replace(replaced=replaced)
    return StaleSearch(deployment.s3, deployment.work_bucket, prepared.measurement, loads)
