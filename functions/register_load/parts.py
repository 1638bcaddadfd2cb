"""Rows of one part of a file that rows of a later part repeat or contradict.

InfluxDB keeps one value for each field of a point, and chunks are written in any order. So RegisterLoad compares the
parts of a file before the first write (`part_comparison`), and takes the rows that lose their place out of the staged
chunks and footprints (`Parts.settle`): they are counted as collapsed, or set aside and quarantined. A file of one part
is not compared.

A repeated settlement begins from the chunks that ConvertAndChunk staged, so it finds the same rows, and changes each
outcome once.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from functions.register_load.lines import Lines
from functions.register_load.own_footprints import OwnFootprints
from functions.register_load.part_comparison import LosingLines, PartComparison, PointLines, join_lines, point_lines
from functions.register_load.quarantine import quarantine_parquet
from functions.register_load.staging import RestagedChunk, Rows, Staging
from shared.dataset_keys import dataset_of
from shared.datasets import DATASETS
from shared.errors import CollidingRecordsError, InvalidRecordsError
from shared.events import Chunk, FileRef, LoadState, PlannedFile
from shared.load_limits import check_set_aside, collision_limit, set_aside_limit
from shared.load_totals import Outcomes
from shared.outcomes import read_outcomes
from shared.point_index import Mask, PointIndex
from shared.settings import ConversionSettings, conversion_settings
from shared.stored import COLLISION, COLLISION_REASON, SetAsideReason
from shared.work_bucket import DISTINCT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def settle_parts(client: "S3Client", load: LoadState) -> list[Chunk]:
    """Return the chunks of a load without the rows that later parts of the file repeat or contradict.

    Raises:
        CollidingRecordsError: More rows collide than MAX_COLLISION_RATE, or the dataset, allows.
        InvalidRecordsError: More rows are set aside than MAX_SET_ASIDE_RATE, or the dataset, allows; or a row collides,
            and DROP_INVALID_RECORDS is false.
    """
    file, execution, chunks = load["file"], load["execution"]["name"], load["converted"]["chunks"]
    if len(file["parts"]) < 2:  # noqa: PLR2004 - nothing to compare
        return chunks
    parts = Parts(client, file, execution, chunks)
    settled = [chunk for number in range(len(file["parts"])) for chunk in parts.settle(number)]
    if parts.colliding:
        _check_limits(read_outcomes(client, file["load_id"], execution), file, parts.colliding, conversion_settings())
    return settled


def _check_limits(outcomes: Outcomes, file: PlannedFile, colliding: int, settings: ConversionSettings) -> None:
    """Check the limits on the whole file again, since more of its rows are set aside now."""
    dataset, total = dataset_of(file["key"]), outcomes.set_aside.get(COLLISION, 0)
    rate = collision_limit(dataset, settings.max_collision_rate)
    if total > rate * file["rows"]:
        raise CollidingRecordsError(
            f"{total} of {file['rows']} rows have the series and time of a later row but another value of a field "
            f"(MAX_COLLISION_RATE, or that of the dataset, is {rate}): declare a column that distinguishes them as a "
            "tag, or remove the rows that repeat a series and time; the quarantine lists them"
        )
    if not settings.drop_invalid_records:
        quantity = f"{colliding} rows collide" if colliding > 1 else "1 row collides"
        raise InvalidRecordsError(
            f"invalid records, and DROP_INVALID_RECORDS is false: {quantity} with a later part of the file; "
            "correct the rows, or set DROP_INVALID_RECORDS to true to quarantine them"
        )
    check_set_aside(outcomes, file["rows"], set_aside_limit(dataset, settings.max_set_aside_rate))


class Parts:
    """The parts of one execution's file, with the chunks that ConvertAndChunk staged.

    `colliding` counts the rows that were set aside so far.
    """

    def __init__(self, client: "S3Client", file: FileRef, execution: str, chunks: Sequence[Chunk]) -> None:
        self._staging = Staging(client, file, execution)
        self._footprints = OwnFootprints(client, file["dataset"], file["load_id"], execution)
        self._parts, self._chunks = len(file["parts"]), chunks
        self._dataset = DATASETS[file["dataset"]]
        self.colliding = 0

    def settle(self, part: int) -> list[Chunk]:
        """Return the chunks of a part without the rows that lose their place, and count these rows."""
        chunks, footprint = self._chunks_of(part), self._footprints.read(part)
        index = PointIndex(footprint, self._dataset.field_names) if footprint.series else None
        losing = self._losing_lines(part, index) if index else None
        if index is None or losing is None or not len(losing.rows):
            return chunks
        self._footprints.keep(part)
        restaged = self._restage(part, chunks, losing)
        self._footprints.replace(part, index, losing, self._dataset.field_names)
        self.colliding += len(losing.colliding.row)
        return [each.chunk for each in restaged if each.chunk]

    def _restage(self, part: int, chunks: Sequence[Chunk], losing: LosingLines) -> list[RestagedChunk]:
        """Stage the chunks without the rows that lose their place, and count these in the outcome of the part."""

        def keep(lines: Lines, rows: Rows) -> Mask:
            return np.where(np.isin(rows, losing.rows), np.uint64(0), lines.fields)

        restaged = [self._staging.restage(chunk, chunk["chunk"] + DISTINCT, keep, reuse=True) for chunk in chunks]
        colliding = np.sort(losing.colliding.row)
        self._staging.count_losing_rows(
            f"{part:04}",
            restaged,
            staged_points=sum(chunk["points"] for chunk in chunks),
            collapsed=len(losing.collapsed.row),
            collisions=self._quarantine(part, colliding) if len(colliding) else None,
        )
        return restaged

    def _quarantine(self, part: int, colliding: Rows) -> SetAsideReason:
        """Quarantine the colliding rows of a part, and return the reason with samples."""
        lines = self._staging.read_lines(self._chunks_of(part))
        quarantined = quarantine_parquet(lines, colliding, self._dataset)
        self._staging.put_collisions(part, quarantined.parquet)
        return {
            "rule": COLLISION,
            "reason": COLLISION_REASON,
            "rows": len(colliding),
            "samples": quarantined.samples,
        }

    def _losing_lines(self, part: int, index: PointIndex) -> LosingLines | None:
        """Return the lines of a part that lose their place; None if no later part has a field of one of its points."""
        shared = np.zeros(index.size, bool)
        later: list[int] = []
        for other in range(self._parts - 1, part, -1):
            has_fields = index.shared_fields([self._footprints.read(other, index.range)]) != 0
            if has_fields.any():
                shared |= has_fields
                later.append(other)
        return self._compare(index, self._point_lines(part, index, shared), later) if later else None

    def _compare(self, index: PointIndex, own: Iterator[PointLines], later: Sequence[int]) -> LosingLines:
        comparison = PartComparison(join_lines(list(own)), index.size)
        for other in later:
            undecided = comparison.undecided
            if not undecided.any():
                break
            comparison.add(self._point_lines(other, index, undecided))
        return comparison.losing_lines()

    def _point_lines(self, part: int, index: PointIndex, points: NDArray[np.bool_]) -> Iterator[PointLines]:
        return point_lines(self._staging.read_lines(self._chunks_of(part)), index, points, self._dataset.field_names)

    def _chunks_of(self, part: int) -> list[Chunk]:
        return [chunk for chunk in self._chunks if chunk["chunk"].startswith(f"{part:04}-")]
