"""The rows of a file that lose their place to rows of later parts, found part by part.

ConvertAndChunk compares the rows of one part. `PartComparison` compares the lines that remain with those of
the later parts by the same rules: a row that gives a field another value than the last one in the file collides, and a
row that a later one repeats exactly collapses.

`find_losing_rows` returns such rows of one part. Footprints tell which points two parts have in common. Only the lines
of these points are read from the staged chunks (`point_lines`). The last part is read first, until the place of each
line is decided, so that a file that is its own copy does not need a comparison of each part with every other one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.register_load.lines import Lines, parse_values
from shared.footprints import Footprint, PointRange
from shared.losing_rows import NO_LOSING_ROWS, LosingRows
from shared.point_index import Mask, PointIndex, field_keys

Rows = NDArray[np.int64]


class ConvertedParts(Protocol):
    """The parts of a file after their conversion. `loader plan` replaces S3 with files of this machine."""

    def footprint(self, part: int, within: PointRange | None = None) -> Footprint:
        """Return the footprint of a part, or only what may be in a range."""

    def lines(self, part: int) -> Iterable[tuple[Lines, Rows]]:
        """Yield the lines of each chunk of a part, and their source rows."""


def find_losing_rows(parts: ConvertedParts, part: int, last: int, names: Sequence[str]) -> LosingRows:
    """Return the rows of a part that lose their place to later parts.

    Args:
        parts: The parts of the file.
        part: The part.
        last: The last part of the file.
        names: The fields of the dataset.
    """
    footprint = parts.footprint(part)
    if not footprint.series:
        return NO_LOSING_ROWS
    index = PointIndex(footprint, names)
    shared = np.zeros(index.size, bool)
    later: list[int] = []
    for other in range(last, part, -1):
        has_fields = index.shared_fields([parts.footprint(other, index.range)]) != 0
        if has_fields.any():
            shared |= has_fields
            later.append(other)
    if not later:
        return NO_LOSING_ROWS
    comparison = PartComparison(join_lines(list(point_lines(parts.lines(part), index, shared, names))), index.size)
    for other in later:
        if not (undecided := comparison.undecided).any():
            break
        comparison.add(point_lines(parts.lines(other), index, undecided, names))
    return comparison.losing_rows()


class PointLines(NamedTuple):
    """Some lines of a part.

    Attributes:
        point: the position of each line's point among those of an index.
        row: the source row of each line.
        fields: the fields of each line, as a mask.
        values: the values of each line, with a column for each field of the dataset; NaN is no value.
    """

    point: Rows
    row: Rows
    fields: Mask
    values: NDArray[np.float64]


class PartComparison:
    """The lines of one part at the points that it shares with later ones, compared with one later part after another.

    Example: the fields a and b, and one point. The part has a=1 in row 0, b=5 in row 1, and a=3 in row 2 of another
    point. The last part gives the first point a=2, and the part before repeats b=5.

    >>> nan, bits = np.nan, np.array([1, 2, 1], np.uint64)
    >>> own = PointLines(np.array([0, 0, 1]), np.arange(3), bits, np.array([[1, nan], [nan, 5], [3, nan]]))
    >>> comparison = PartComparison(own, points=2)
    >>> comparison.add([PointLines(np.array([0]), np.array([9]), bits[:1], np.array([[2, nan]]))])
    >>> comparison.undecided.tolist()
    [True, True]
    >>> comparison.add([PointLines(np.array([0]), np.array([7]), bits[1:2], np.array([[nan, 5]]))])
    >>> comparison.undecided.tolist()
    [False, True]
    >>> [rows.tolist() for rows in comparison.losing_rows()]
    [[1], [0]]

    Args:
        own: The lines.
        points: The number of points of the index.
    """

    def __init__(self, own: PointLines, points: int) -> None:
        self._own, self._points = own, points
        # Only the points of these lines get values: place[point] is the position of a point in `_last`, or -1.
        shared = np.unique(own.point)
        self._place = np.full(points, -1)
        self._place[shared] = np.arange(len(shared))
        self._last = np.full((len(shared), own.values.shape[1]), np.nan)
        self._masks = np.unique(own.fields)
        self._is_repeated = np.zeros(len(own.row), bool)

    def add(self, later: Iterable[PointLines]) -> None:
        """Compare with the lines of a later part, chunk by chunk, at undecided points. Add the last part first."""
        for lines in later:
            place = self._place[lines.point]
            is_new = np.isnan(self._last[place]) & ~np.isnan(lines.values)
            line, field = np.nonzero(is_new)
            self._last[place[line], field] = lines.values[line, field]
            agreeing = _select(lines, ~self._contradicts(lines))
            self._is_repeated |= np.isin(self._keys(self._own), self._keys(agreeing))

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """The points of the index that have a line whose place earlier parts than those added can still take."""
        points = np.zeros(self._points, bool)
        points[self._own.point[~(self._is_repeated | self._contradicts(self._own))]] = True
        return points

    def losing_rows(self) -> LosingRows:
        """Return the rows that lose their place to one of the parts that were added."""
        collides, rows = self._contradicts(self._own), self._own.row
        return LosingRows(np.sort(rows[self._is_repeated & ~collides]), np.sort(rows[collides]))

    def _contradicts(self, lines: PointLines) -> NDArray[np.bool_]:
        """Return which lines have another value than the last one of its field."""
        last = self._last[self._place[lines.point]]
        result: NDArray[np.bool_] = (~np.isnan(lines.values) & ~np.isnan(last) & (lines.values != last)).any(axis=1)
        return result

    def _keys(self, lines: PointLines) -> Rows:
        return field_keys(self._place[lines.point], lines.fields, self._masks)


def point_lines(
    chunks: Iterable[tuple[Lines, Rows]], index: PointIndex, points: NDArray[np.bool_], names: Sequence[str]
) -> Iterator[PointLines]:
    """Yield the lines of each chunk that are at some points of an index.

    Args:
        chunks: The lines of each chunk, and their source rows.
        index: The index.
        points: The points of the index to select.
        names: The fields of the dataset.
    """
    for lines, rows in chunks:
        is_present, position = index.find(lines.series.dictionary, lines.series.indices.to_numpy(), lines.time)
        selected = np.flatnonzero(is_present & points[position])
        if len(selected):
            columns = parse_values(lines.values.take(pa.array(selected)), names).values()
            values = np.column_stack([column.to_numpy(zero_copy_only=False) for column in columns])
            yield PointLines(position[selected], rows[selected], lines.fields[selected], values)


def join_lines(pieces: Sequence[PointLines]) -> PointLines:
    """Return the lines of all pieces, of which there is at least one."""
    point, row, fields, values = zip(*pieces, strict=True)
    return PointLines(np.concatenate(point), np.concatenate(row), np.concatenate(fields), np.concatenate(values))


def _select(lines: PointLines, selected: NDArray[np.bool_]) -> PointLines:
    return PointLines(lines.point[selected], lines.row[selected], lines.fields[selected], lines.values[selected])
