"""The points of one part of a load, in a form in which others find them: `PointIndex`."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.footprints import Footprint, PointBlock, PointRange, renumber

Mask = NDArray[np.uint64]
"""The fields of each line or point: bit `n` stands for the nth field of the dataset."""


class Positions(NamedTuple):
    """Where an index has points: those with `is_present`, at `position`."""

    is_present: NDArray[np.bool_]
    position: NDArray[np.int64]


class PointIndex:
    """The distinct points of a footprint, sorted by series and time. A point may have several lines in the footprint.

    Each point is a number: the position of its series, times the number of times, plus the position of its time.

    Example: the series m,t=a and m,t=b, each at the times 7 and 9, are the numbers 0 to 3. Another footprint has field
    x at 9 of m,t=b, and a series that this one does not have.

    >>> from shared.footprints import PointBlock
    >>> lines = PointBlock(np.array([0, 0, 1, 1]), np.array([7, 9, 7, 9]), np.array([1, 1, 1, 3], np.uint64))
    >>> index = PointIndex(Footprint(["m,t=a", "m,t=b"], ("x", "y"), lines), ["x", "y"])
    >>> other = PointBlock(np.array([0, 1]), np.array([9, 9]), np.array([1, 1], np.uint64))
    >>> index.shared_fields([Footprint(["m,t=b", "m,t=c"], ("x",), other)]).tolist()
    [0, 0, 0, 1]

    Args:
        footprint: The footprint, which has at least one line.
        names: The fields of the dataset, in the order of the bits of all masks.
    """

    def __init__(self, footprint: Footprint, names: Sequence[str]) -> None:
        points = footprint.points
        self._names = names
        self._series = pa.array(footprint.series, pa.string())
        self._times = np.unique(points.time)
        numbers = points.numbers.astype(np.int64) * len(self._times) + np.searchsorted(self._times, points.time)
        first = np.flatnonzero(np.diff(numbers, prepend=-1))
        self._numbers = numbers[first]
        self._fields = np.bitwise_or.reduceat(translate(points.fields, footprint.names, names), first)
        self.range = range_of(footprint)

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self._numbers)

    def find(self, series: pa.Array, numbers: NDArray[np.integer], time: NDArray[np.int64]) -> Positions:
        """Return where the index has each of these points.

        Args:
            series: Distinct series.
            numbers: The position of each point's series in `series`.
            time: The time of each point in ns.
        """
        own = pc.fill_null(pc.index_in(series, value_set=self._series.cast(series.type)), -1).to_numpy()
        number = own.astype(np.int64)[numbers]
        place = np.searchsorted(self._times, time).clip(max=len(self._times) - 1)
        key = number * len(self._times) + place
        position = np.searchsorted(self._numbers, key).clip(max=len(self._numbers) - 1)
        is_present = (number >= 0) & (self._times[place] == time) & (self._numbers[position] == key)
        return Positions(is_present, position)

    def fields_at(self, series: pa.Array, numbers: NDArray[np.integer], time: NDArray[np.int64]) -> Mask:
        """Return the fields that the index has at each of these points, 0 for a point that it does not have."""
        is_present, position = self.find(series, numbers, time)
        return np.where(is_present, self._fields[position], np.uint64(0))

    def shared_fields(self, footprints: Iterable[Footprint]) -> Mask:
        """Return, for each point, the fields that this part and any of the footprints have."""
        fields = np.zeros(len(self._numbers), np.uint64)
        for footprint in footprints:
            points = footprint.points
            is_present, position = self.find(pa.array(footprint.series, pa.string()), points.numbers, points.time)
            others = translate(points.fields[is_present], footprint.names, self._names)
            np.bitwise_or.at(fields, position[is_present], others)  # a point may have several lines
        return fields & self._fields

    def without(self, shared: Mask) -> Footprint:
        """Return the points that keep a field if each loses these, with one line for each."""
        fields = self._fields & ~shared
        kept = np.flatnonzero(fields)
        series, times = np.divmod(self._numbers[kept], len(self._times))
        used, numbers = renumber(series, len(self._series))
        names: list[str] = self._series.take(pa.array(used)).to_pylist()
        block = PointBlock(numbers, self._times[times], fields[kept])
        return Footprint(names, tuple(self._names), block)


def subtract(footprint: Footprint, others: Iterable[Footprint]) -> Footprint:
    """Return the values of a footprint that none of the others has, with one line for each point.

    >>> from shared.footprints import PointBlock
    >>> def of(series, names, *columns):
    ...     return Footprint(series, names, PointBlock(*(np.array(column) for column in columns)))
    >>> own = of(["m,t=a", "m,t=b"], ("x", "y"), [0, 0, 1], [7, 9, 7], np.array([3, 3, 3], np.uint64))
    >>> other = of(["m,t=a"], ("y",), [0, 0], [7, 8], np.array([1, 1], np.uint64))
    >>> rest = subtract(own, [other, of(["m,t=b"], ("x", "y"), [0], [7], np.array([3], np.uint64))])
    >>> rest.series, [column.tolist() for column in rest.points]
    (['m,t=a'], [[0, 0], [7, 9], [1, 3]])
    """
    if not footprint.series:
        return footprint
    index = PointIndex(footprint, footprint.names)
    return index.without(index.shared_fields(others))


def range_of(footprint: Footprint) -> PointRange:
    """Return the range of a footprint that has at least one line."""
    time = footprint.points.time
    return PointRange(footprint.series[0], footprint.series[-1], int(time.min()), int(time.max()))


def times_of_all_series(first_ns: int, last_ns: int) -> PointRange:
    """Return the range of all points from the first to the last time, whatever their series."""
    return PointRange("", "\U0010ffff", first_ns, last_ns)


def within_times(footprint: Footprint, first_ns: int, last_ns: int) -> Footprint:
    """Return the points from the first to the last time.

    >>> block = PointBlock(np.array([0, 1, 1]), np.array([7, 8, 9]), np.array([1, 1, 1], np.uint64))
    >>> inside = within_times(Footprint(["m,t=a", "m,t=b"], ("x",), block), 8, 9)
    >>> inside.series, inside.points.numbers.tolist(), inside.points.time.tolist()
    (['m,t=b'], [0, 0], [8, 9])
    """
    numbers, time, fields = footprint.points
    inside = np.flatnonzero((time >= first_ns) & (time <= last_ns))
    used, positions = renumber(numbers[inside], len(footprint.series))
    block = PointBlock(positions, time[inside], fields[inside])
    return Footprint([footprint.series[number] for number in used], footprint.names, block)


def translate(fields: Mask, names: Sequence[str], target: Sequence[str]) -> Mask:
    """Return the masks with the bits that `target` gives to the names. A field that it does not name is dropped.

    >>> translate(np.array([1, 3], np.uint64), ["y", "z"], ["x", "y"])
    array([2, 2], dtype=uint64)
    """
    if list(names) == list(target):
        return fields
    result = np.zeros(len(fields), np.uint64)
    for bit, name in enumerate(names):
        if name in target:
            has_field = (fields >> np.uint64(bit)) & np.uint64(1)
            result |= has_field << np.uint64(target.index(name))
    return result


def field_keys(position: NDArray[np.int64], fields: Mask, masks: Mask) -> NDArray[np.int64]:
    """Return a number for each point and its fields; -1 if the fields are not among the ascending masks.

    >>> one, two, three = np.array([1, 2, 3], np.uint64)
    >>> field_keys(np.array([0, 5, 5]), np.array([one, three, two]), np.array([one, three]))
    array([ 0, 11, -1])
    """
    return np.where(np.isin(fields, masks), position * len(masks) + np.searchsorted(masks, fields), -1)
