"""The lines of a part, sorted by series and time: to find those that repeat a point, and for the footprint.

`sort_points` packs series, time, and the mask of fields of each line into one number of 64 bits, and sorts these
numbers in place (`PackedPoints`): for millions of lines, this is several times faster than sorting their positions. If
64 bits are not enough, such as for random nanoseconds over years, it sorts positions (`OrderedPoints`). Both work in
blocks that fit in the CPU's cache.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from functions.convert_and_chunk.line_protocol import as_slice
from shared.footprints import PointBlock

BLOCK_LINES, KEY_BITS = 65_536, 64

MAX_COUNTED = 1 << 16
"""The most series whose numbers fit into 16 bits."""

Rows = NDArray[np.int64]
_Keys = NDArray[np.uint64]


class Lines(NamedTuple):
    """The columns of all rows of a part, and the rows that are lines.

    Attributes:
        series: The series number of each row.
        ranks: The position of each series number in the sorted list of series.
        time: The time of each row in ns.
        fields: The values of each field, one per row; NaN is no value.
        lines: The rows that are lines, ascending.
    """

    series: NDArray[np.int32]
    ranks: NDArray[np.int32]
    time: Rows
    fields: Mapping[str, NDArray[np.float64]]
    lines: Rows

    def block(self, rows: Rows | slice) -> PointBlock:
        """Return these rows, in this order."""
        time = self.time[rows]
        fields = np.zeros(len(time), np.uint64)
        for number, values in enumerate(self.fields.values()):
            fields |= (~np.isnan(values[rows])).astype(np.uint64) << np.uint64(number)
        return PointBlock(self.ranks[self.series[rows]], time, fields)

    def span(self) -> tuple[int, int]:
        """Return the first and the last time of the lines in ns; 0 and 0 without lines."""
        first_ns, last_ns = 0, 0
        for number, rows in enumerate(_blocks(self.lines)):
            time = self.time[as_slice(rows)]
            low, high = int(time.min()), int(time.max())
            first_ns, last_ns = (min(first_ns, low), max(last_ns, high)) if number else (low, high)
        return first_ns, last_ns


class Layout(NamedTuple):
    """The division of a key into series, time and fields, from the highest to the lowest bits.

    Times are counted in `unit_ns` from `first_ns` on.

    >>> layout = Layout(first_ns=1_000, unit_ns=10, time_bits=4, field_bits=2)
    >>> block = PointBlock(np.array([5], np.int32), np.array([1_030]), np.array([0b10], np.uint64))
    >>> keys = layout.pack(block)
    >>> [f"{key:b}" for key in keys]
    ['101001110']
    >>> [column.tolist() for column in layout.unpack(keys)]
    [[5], [1030], [2]]
    """

    first_ns: int
    unit_ns: int
    time_bits: int
    field_bits: int

    def pack(self, block: PointBlock) -> _Keys:
        """Return the key of each line."""
        keys = block.numbers.astype(np.uint64) << np.uint64(self.time_bits + self.field_bits)
        keys |= (block.time - self.first_ns).view(np.uint64) // np.uint64(self.unit_ns) << np.uint64(self.field_bits)
        keys |= block.fields
        return keys

    def unpack(self, keys: _Keys) -> PointBlock:
        """Return the line of each key."""
        times = (keys >> np.uint64(self.field_bits)) & np.uint64((1 << self.time_bits) - 1)
        return PointBlock(
            (keys >> np.uint64(self.time_bits + self.field_bits)).astype(np.int32),
            (times * np.uint64(self.unit_ns)).view(np.int64) + self.first_ns,
            keys & np.uint64((1 << self.field_bits) - 1),
        )


@dataclass(frozen=True)
class PackedPoints:
    """The sorted keys of all lines."""

    part: Lines
    layout: Layout
    keys: _Keys

    def blocks(self) -> Iterator[PointBlock]:
        """Yield all lines, sorted."""
        for first in range(0, len(self.keys), BLOCK_LINES):
            yield self.layout.unpack(self.keys[first : first + BLOCK_LINES])

    def repeated_rows(self) -> Rows:
        """Return the rows whose series and time occur more than once, sorted by series, time and row.

        Most files have none. If one has, the keys are computed a second time to find out whose they are.
        """
        part, bits = self.part, np.uint64(self.layout.field_bits)
        shared = [first[:-1][np.diff(first) == 0] for first in self._points(bits)]
        points = np.unique(np.concatenate(shared)) if shared else np.empty(0, np.uint64)
        if not len(points):
            return part.lines[:0]
        rows = np.concatenate([rows[np.isin(self._point(rows), points)] for rows in _blocks(part.lines)])
        by_point: Rows = rows[np.lexsort((rows, part.time[rows], part.series[rows]))]
        return by_point

    def _point(self, rows: Rows) -> _Keys:
        """Return the key of each row without its fields."""
        return self.layout.pack(self.part.block(as_slice(rows))) >> np.uint64(self.layout.field_bits)

    def _points(self, bits: np.uint64) -> Iterator[_Keys]:
        """Yield the keys without fields, in blocks that overlap by one key."""
        for first in range(0, len(self.keys), BLOCK_LINES):
            yield self.keys[first : first + BLOCK_LINES + 1] >> bits


@dataclass(frozen=True)
class OrderedPoints:
    """The rows of all lines, sorted by series and time."""

    part: Lines
    rows: Rows

    def blocks(self) -> Iterator[PointBlock]:
        """Yield all lines, sorted."""
        return map(self.part.block, _blocks(self.rows))

    def repeated_rows(self) -> Rows:
        """Return the rows whose series and time occur more than once, sorted by series, time and row."""
        series, time = self.part.series[self.rows], self.part.time[self.rows]
        same = (series[1:] == series[:-1]) & (time[1:] == time[:-1])
        repeated: Rows = self.rows[np.append(same, False) | np.append(False, same)]
        return repeated


SortedPoints = PackedPoints | OrderedPoints


def sort_points(part: Lines) -> SortedPoints:
    """Sort the lines of a part by series and time.

    >>> part = Lines(
    ...     series=np.array([0, 1, 0]), ranks=np.array([1, 0]), time=np.array([7, 9, 5]), lines=np.arange(3),
    ...     fields={"a": np.array([1.5, np.nan, 2.5]), "b": np.array([np.nan, 4.0, 3.0])},
    ... )
    >>> [[column.tolist() for column in block] for block in sort_points(part).blocks()]
    [[[0, 1, 1], [9, 5, 7], [2, 3, 1]]]
    """
    layout = _layout(part)
    if layout is None:
        rows = part.lines
        return OrderedPoints(part, rows[np.lexsort((part.time[rows], part.ranks[part.series[rows]]))])
    if len(part.ranks) <= MAX_COUNTED and _is_in_time_order(part):
        return PackedPoints(part, layout, _sort_by_series(part, layout))
    keys = np.empty(len(part.lines), np.uint64)
    for number, rows in enumerate(_blocks(part.lines)):
        first = number * BLOCK_LINES
        keys[first : first + len(rows)] = layout.pack(part.block(as_slice(rows)))
    keys.sort()  # the fields of equal points may remain in any order
    return PackedPoints(part, layout, keys)


def _is_in_time_order(part: Lines) -> bool:
    """Return whether no line is earlier than the one before, as in most files."""
    last_ns = part.span()[0]
    for rows in _blocks(part.lines):
        time = part.time[as_slice(rows)]
        if time[0] < last_ns or (time[1:] < time[:-1]).any():
            return False
        last_ns = int(time[-1])
    return True


def _sort_by_series(part: Lines, layout: Layout) -> _Keys:
    """Return the keys of lines that are in time order, sorted: it is enough to sort them by series.

    Numbers of 16 bits are sorted in linear time. Each block is sorted alone, and its keys are written to their places
    among the keys of all lines, so no other array is as long as these.

    Example: a block has the series 1, 0, 1, and the keys of the earlier blocks end at the places 4 for series 0 and 9
    for series 1. Sorted, the block has the series 0, 1, 1, of which series 0 begins at position 0 and series 1 at
    position 1. The places are 4 - 0 + 0, 9 - 1 + 1 and 9 - 1 + 2: 4, 9 and 10.
    """
    series = len(part.ranks)
    counts = np.zeros(series, np.int64)
    for rows in _blocks(part.lines):
        counts += np.bincount(part.ranks[part.series[as_slice(rows)]], minlength=series)
    keys, places = np.empty(len(part.lines), np.uint64), np.cumsum(counts) - counts
    for rows in _blocks(part.lines):
        block = part.block(as_slice(rows))
        order = np.argsort(block.numbers.astype(np.uint16), kind="stable")
        counts = np.bincount(block.numbers, minlength=series)
        firsts = np.cumsum(counts) - counts
        keys[(places - firsts)[block.numbers[order]] + np.arange(len(order))] = layout.pack(block)[order]
        places += counts
    return keys


def _layout(part: Lines) -> Layout | None:
    """Return the layout of the keys, None if they need more than 64 bits.

    The unit of time is the greatest common divisor of all distances, such as an hour.
    """
    (first_ns, last_ns), unit = part.span(), 0
    for rows in _blocks(part.lines):
        unit = int(np.gcd.reduce(part.time[as_slice(rows)] - first_ns, initial=unit))
    unit_ns, series = max(1, unit), len(part.ranks)
    time_bits, field_bits = ((last_ns - first_ns) // unit_ns).bit_length(), len(part.fields)
    if max(0, series - 1).bit_length() + time_bits + field_bits > KEY_BITS:
        return None
    return Layout(first_ns, unit_ns, time_bits, field_bits)


def _blocks(rows: Rows) -> Iterator[Rows]:
    return (rows[first : first + BLOCK_LINES] for first in range(0, len(rows), BLOCK_LINES))
