"""The chunks of a load that are staged again because of points that other loads have.

`Restaging.leave_out` prepares the first write of a load, `Restaging.write_again` another one after an older load. Both
go through the load part by part, and stage chunks again only of parts that have a point in common with other loads
(`CommonPoints`). A part is staged again once, whatever number of invocations that takes.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from functions.register_load.common_points import CommonPoints, Loads
from functions.register_load.lines import Lines
from functions.register_load.progress import Progress
from functions.register_load.staging import RestagedChunk, Rows, Staging
from shared.events import Chunk, FileRef
from shared.load_totals import Outcomes
from shared.point_index import Mask, PointIndex
from shared.work_bucket import AGAIN, REVISED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Restaging:
    """The staging of one execution's chunks without some of their points."""

    def __init__(
        self, client: "S3Client", file: FileRef, execution: str, common_points: CommonPoints, progress: Progress
    ) -> None:
        self._staging = Staging(client, file, execution)
        self._common_points, self._progress = common_points, progress

    def leave_out(self, chunks: Sequence[Chunk], newer: Loads) -> list[Chunk]:
        """Return the chunks without the values that newer loads have, and update the outcomes of their parts.

        Without newer loads, this undoes what an earlier attempt left out.
        """
        return self._restage_parts(
            f"{REVISED}{_digest(newer)}", lambda part, index: self._leave_out(part, index, chunks, newer)
        )

    def _leave_out(self, part: str, index: PointIndex, chunks: Sequence[Chunk], newer: Loads) -> list[Chunk]:
        own = [chunk for chunk in chunks if chunk["chunk"].partition("-")[0] == part]
        shared = self._common_points.shared(index, newer)

        def keep(lines: Lines, _: Rows) -> Mask:
            return without_fields(index, lines, shared)

        restaged = [
            self._staging.restage(chunk, chunk["chunk"] + REVISED, keep, reuse=True)
            if shared.any()
            else RestagedChunk(chunk)
            for chunk in own
        ]
        self._staging.update_outcome(part, restaged, newer if shared.any() else ())
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

        def restage(part: str, index: PointIndex) -> list[Chunk]:
            shared = self._common_points.shared(index, older) & ~self._common_points.shared(index, newer)
            return list(self._write_again(part, index, shared, again, outcomes))

        return self._restage_parts(f"{again}{_digest(older)}{_digest(newer)}", restage)

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

    def _restage_parts(self, purpose: str, restage: Callable[[str, PointIndex], list[Chunk]]) -> list[Chunk]:
        """Return the chunks that `restage` returns for the parts that have points.

        Raises:
            UnfinishedError: The time is over. The next call with the same purpose continues.
        """
        findings, chunks = self._progress.findings, list[Chunk]()
        # What was staged for another purpose before is outdated: the outcomes of the parts are those of the last one.
        finished = {key: value for key, value in findings["chunks"].items() if key.startswith(f"{purpose}/")}
        findings["chunks"] = finished
        for part in self._common_points.parts:
            key = f"{purpose}/{part:04}"
            if key not in finished:
                index = self._common_points.index(part)
                finished[key] = restage(f"{part:04}", index) if index else []
                self._progress.stop_if_late()
            chunks += finished[key]
        return chunks


def _digest(loads: Loads) -> str:
    """Return text that differs for other loads."""
    names = " ".join(sorted(load["version"] for load in loads))
    return f"-{sha256(names.encode()).hexdigest()[:16]}"


def without_fields(index: PointIndex, lines: Lines, shared: Mask) -> Mask:
    """Return the fields that each line keeps if its point loses these."""
    return lines.fields & ~_fields_of(index, lines, shared)


def _fields_of(index: PointIndex, lines: Lines, fields: Mask) -> Mask:
    """Return the fields of each line's point."""
    is_present, position = index.find(lines.series.dictionary, lines.series.indices.to_numpy(), lines.time)
    return np.where(is_present, fields[position], np.uint64(0))
