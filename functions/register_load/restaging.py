"""Which points of a load other loads have, and its chunks that are staged again because of that.

`Restaging.leave_out` prepares the first write of a load, `Restaging.write_again` another one after an older load. Both
go through the load part by part: they compare its footprint with those of the other loads (`PointIndex`), and stage
chunks again only of parts that have a point in common with them. So the memory that they need does not depend on the
number of parts or loads.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from functions.register_load.footprint_cache import FootprintCache
from functions.register_load.lines import Lines
from functions.register_load.staging import RestagedChunk, Rows, Staging
from shared.datasets import DATASETS
from shared.errors import FootprintNotFoundError
from shared.events import Chunk, FileRef
from shared.footprints import Footprint
from shared.load_totals import Outcomes
from shared.point_index import Mask, PointIndex
from shared.registrations import Registration
from shared.work_bucket import AGAIN, REVISED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Loads = Sequence[Registration]


class Comparison(NamedTuple):
    """The loads that have points in common with another one, that have no footprint, and that were not compared."""

    common: Loads
    missing: Loads
    not_compared: Loads


class Restaging:
    """The staging of one execution's chunks without some of their points."""

    def __init__(self, client: "S3Client", file: FileRef, execution: str) -> None:
        self._staging = Staging(client, file, execution)
        self._footprints = FootprintCache(client)
        self._file = file
        self._names = DATASETS[file["dataset"]].field_names
        self._execution = execution

    def own_footprints(self) -> Iterator[tuple[str, Footprint]]:
        """Yield the name of each part that has points, and its footprint."""
        for part in (part["part"] for part in self._file["parts"]):
            footprint = self._footprints.part(self._file["dataset"], self._file["load_id"], self._execution, part)
            if footprint.series:
                yield f"{part:04}", footprint

    def overlapping(self, loads: Loads) -> list[Registration]:
        """Return the loads that have a value for a field of a point of this one. Most loads of a month have none."""
        left = {load["version"]: load for load in loads}
        for _, index in self._indexes() if loads else ():
            left = {name: load for name, load in left.items() if not self._overlaps(index, load)}
            if not left:
                break
        return [load for load in loads if load["version"] not in left]

    def compare(self, loads: Loads, is_time_left: Callable[[], bool]) -> Comparison:
        """Find the loads that have a value for a field of a point of this one, as far as the time allows."""
        left, common, missing = {load["version"]: load for load in loads}, list[Registration](), list[Registration]()
        for _, index in self._indexes() if loads else ():
            if not left:
                break
            for name, load in list(left.items()):
                if not is_time_left():
                    return Comparison(common, missing, list(left.values()))
                try:
                    if self._overlaps(index, load):
                        common.append(left.pop(name))
                except FootprintNotFoundError:
                    missing.append(left.pop(name))
        return Comparison(common, missing, [])

    def leave_out(self, chunks: Sequence[Chunk], newer: Loads) -> list[Chunk]:
        """Return the chunks without the values that newer loads have, and update the outcomes of their parts.

        Without newer loads, this undoes what an earlier attempt left out.
        """
        return [chunk for name, index in self._indexes() for chunk in self._leave_out(name, index, chunks, newer)]

    def _leave_out(self, part: str, index: PointIndex, chunks: Sequence[Chunk], newer: Loads) -> list[Chunk]:
        own = [chunk for chunk in chunks if chunk["chunk"].partition("-")[0] == part]
        shared = self._shared(index, newer)

        def keep(lines: Lines, _: Rows) -> Mask:
            return lines.fields & ~_fields_of(index, lines, shared)

        restaged = [
            self._staging.restage(chunk, chunk["chunk"] + REVISED, keep, reuse=True)
            if shared.any()
            else RestagedChunk(chunk)
            for chunk in own
        ]
        self._staging.update_outcome(part, restaged)
        return [each.chunk for each in restaged if each.chunk]

    def write_again(self, older: Loads, newer: Loads, number: int, outcomes: Outcomes) -> list[Chunk]:
        """Return chunks with the values that older loads have too, without those that newer loads have.

        Points that InfluxDB rejected, or may have, are not among them: only points that it stored are written again.

        Args:
            older: The older loads.
            newer: The newer loads.
            number: Distinguishes the chunks from those that were written again before.
            outcomes: The outcomes of the chunks that were written before.
        """
        again = f"{AGAIN}{number}"
        return [
            chunk
            for name, index in self._indexes()
            for chunk in self._write_again(
                name, index, self._shared(index, older) & ~self._shared(index, newer), again, outcomes
            )
        ]

    def _write_again(
        self, part: str, index: PointIndex, shared: Mask, suffix: str, outcomes: Outcomes
    ) -> Iterator[Chunk]:
        for chunk in self._staging.chunks(part) if shared.any() else ():
            lost = self._staging.lost_rows(chunk, outcomes)

            def keep(lines: Lines, rows: Rows, lost: Collection[int] = lost) -> Mask:
                fields = lines.fields & _fields_of(index, lines, shared)
                return np.where(np.isin(rows, list(lost)), np.uint64(0), fields)

            if restaged := self._staging.restage(chunk, chunk["chunk"] + suffix, keep).chunk:
                yield restaged

    def _indexes(self) -> Iterator[tuple[str, PointIndex]]:
        """Yield the name of each part that has points, and their index."""
        for name, footprint in self.own_footprints():
            yield name, PointIndex(footprint, self._names)

    def _overlaps(self, index: PointIndex, load: Registration) -> bool:
        return any(index.shared_fields([footprint]).any() for footprint in self._parts(load, index))

    def _shared(self, index: PointIndex, loads: Loads) -> Mask:
        """Return the fields of each point in the index that any of the loads has."""
        return index.shared_fields(footprint for load in loads for footprint in self._parts(load, index))

    def _parts(self, load: Registration, index: PointIndex) -> Iterator[Footprint]:
        return self._footprints.parts(load["dataset"], load["load_id"], load["execution"], index.range)


def _fields_of(index: PointIndex, lines: Lines, fields: Mask) -> Mask:
    """Return the fields of each line's point."""
    is_present, position = index.find(lines.series.dictionary, lines.series.indices.to_numpy(), lines.time)
    return np.where(is_present, fields[position], np.uint64(0))
