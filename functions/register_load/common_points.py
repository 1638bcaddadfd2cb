"""The points that a load has in common with other loads.

`CommonPoints` compares the footprint of each part of the file (`PointIndex`) with those of the other loads, one by one.
So the memory that it needs does not depend on the number of parts or loads.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from functions.register_load.footprint_cache import FootprintCache
from functions.register_load.progress import Progress
from shared.datasets import DATASETS
from shared.errors import FootprintNotFoundError
from shared.events import FileRef
from shared.footprints import Footprint
from shared.point_index import Mask, PointIndex
from shared.registrations import Registration

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Loads = Sequence[Registration]


class Comparison(NamedTuple):
    """The loads that have points in common with another one, that have no footprint, and that were not compared."""

    common: Loads
    missing: Loads
    not_compared: Loads


class CommonPoints:
    """The comparison of one execution's file with other loads."""

    def __init__(self, client: "S3Client", file: FileRef, execution: str, progress: Progress) -> None:
        self._footprints = FootprintCache(client)
        self._own = (file["dataset"], file["load_id"], execution)
        self._names = DATASETS[file["dataset"]].field_names
        self._progress = progress
        self.parts = [part["part"] for part in file["parts"]]

    def footprints(self) -> Iterator[Footprint]:
        """Yield the footprint of each part."""
        return (self._footprints.part(*self._own, part) for part in self.parts)

    def index(self, part: int) -> PointIndex | None:
        """Return the points of a part; None if it has none."""
        footprint = self._footprints.part(*self._own, part)
        return PointIndex(footprint, self._names) if footprint.series else None

    def shared(self, index: PointIndex, loads: Loads) -> Mask:
        """Return the fields of each point in the index that any of the loads has."""
        return index.shared_fields(footprint for load in loads for footprint in self._parts(load, index))

    def overlapping(self, loads: Loads) -> list[Registration]:
        """Return the loads that have a value for a field of a point of this one. Most loads of a month have none.

        Raises:
            UnfinishedError: The time is over. The next call continues.
        """
        if not loads:
            return []
        findings = self._progress.findings
        for part, index, load in self._pairs(loads, findings["common"], findings["compared"]):
            if self._overlaps(index, load):
                findings["common"].append(load["version"])
            findings["compared"][load["version"]] = part + 1
            self._progress.stop_if_late()
        return [load for load in loads if load["version"] in findings["common"]]

    def compare(self, loads: Loads, is_time_left: Callable[[], bool]) -> Comparison:
        """Find the loads that have a value for a field of a point of this one, as far as the time allows."""
        decided: dict[str, list[Registration]] = {}
        common, missing = list[Registration](), list[Registration]()
        for _, index, load in self._pairs(loads, decided, {}):
            if not is_time_left():
                return Comparison(common, missing, [load for load in loads if load["version"] not in decided])
            try:
                if self._overlaps(index, load):
                    decided[load["version"]] = common
                    common.append(load)
            except FootprintNotFoundError:
                decided[load["version"]] = missing
                missing.append(load)
        return Comparison(common, missing, [])

    def _pairs(
        self, loads: Loads, decided: Container[str], compared: Mapping[str, int]
    ) -> Iterator[tuple[int, PointIndex, Registration]]:
        """Yield each part that has points with each load that is not decided then, and not yet compared with the part.

        `decided` has names of registrations, and may grow meanwhile.
        """
        for part in self.parts:
            left = [load for load in loads if load["version"] not in decided]
            left = [load for load in left if compared.get(load["version"], 0) <= part]
            index = self.index(part) if left else None
            yield from ((part, index, load) for load in left if index)

    def _overlaps(self, index: PointIndex, load: Registration) -> bool:
        return any(index.shared_fields([footprint]).any() for footprint in self._parts(load, index))

    def _parts(self, load: Registration, index: PointIndex) -> Iterator[Footprint]:
        return self._footprints.parts(load["dataset"], load["load_id"], load["execution"], index.range)
