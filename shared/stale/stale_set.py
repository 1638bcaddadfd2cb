"""The stale points of a measurement in memory, with the current ones around them, as a deletion needs them."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.footprints import Footprint, PointBlock
from shared.point_index import subtract, times_of_all_series, translate, within_times
from shared.stale.search import StaleSearch

EMPTY = Footprint([], (), PointBlock(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.uint64)))


class StaleSet(NamedTuple):
    """Footprints with one line for each point.

    Attributes:
        stale: The points to remove: they are certainly stored, and have only those fields that no current file has.
        current: The points to keep, of all series, from the first to the last stale time: those of current files, and
            those of replaced loads that are uncertain or rejected, or stale and not selected.
        optional: Those points to keep that InfluxDB may lack: it rejected them, or they are of replaced loads.
    """

    stale: Footprint
    current: Footprint
    optional: Footprint = EMPTY


def stale_set(search: StaleSearch, is_selected: Callable[[str], bool] = lambda _: True) -> StaleSet:
    """Return the stale points of the replaced loads of selected objects, and the points to keep around them."""
    return with_kept_points(search, union(part.points for part in search.find(is_selected) if part.kind == "stored"))


def with_kept_points(search: StaleSearch, stale: Footprint) -> StaleSet:
    """Return points to remove with the points to keep around them. The search is among all loads."""
    if not stale.series:
        return StaleSet(stale, EMPTY)
    first_ns, last_ns = int(stale.points.time.min()), int(stale.points.time.max())
    within = times_of_all_series(first_ns, last_ns)
    replaced = union(within_times(part.points, first_ns, last_ns) for part in search.find())
    others = subtract(replaced, [stale])
    current = union(within_times(part, first_ns, last_ns) for part in (*search.current(within), others))
    return StaleSet(stale, current, union([others, *search.rejected(within)]))


def union(footprints: Iterable[Footprint]) -> Footprint:
    """Return all points of some footprints, sorted, with one line for each point.

    >>> def of(series, names, *columns):
    ...     return Footprint(series, names, PointBlock(*(np.array(column) for column in columns)))
    >>> one = of(["m,t=b"], ("x",), [0, 0], [7, 8], np.array([1, 1], np.uint64))
    >>> other = of(["m,t=a", "m,t=b"], ("y", "x"), [0, 1], [9, 8], np.array([3, 1], np.uint64))
    >>> result = union([one, other])
    >>> result.series, result.names, [column.tolist() for column in result.points]
    (['m,t=a', 'm,t=b'], ('x', 'y'), [[0, 1, 1], [9, 7, 8], [3, 1, 3]])
    """
    parts = [part for part in footprints if part.series]
    if not parts:
        return EMPTY
    names = tuple(sorted({name for part in parts for name in part.names}))
    series = sorted({name for part in parts for name in part.series})
    numbers = np.concatenate([_positions(part, series)[part.points.numbers] for part in parts])
    time = np.concatenate([part.points.time for part in parts])
    fields = np.concatenate([translate(part.points.fields, part.names, names) for part in parts])
    order = np.lexsort((time, numbers))
    numbers, time, fields = numbers[order], time[order], fields[order]
    first = np.flatnonzero((np.diff(numbers, prepend=-1) != 0) | (np.diff(time, prepend=time[0] - 1) != 0))
    return Footprint(series, names, PointBlock(numbers[first], time[first], np.bitwise_or.reduceat(fields, first)))


def _positions(part: Footprint, series: list[str]) -> NDArray[np.int32]:
    places = pc.index_in(pa.array(part.series, pa.string()), value_set=pa.array(series, pa.string()))
    positions: NDArray[np.int32] = places.to_numpy().astype(np.int32)
    return positions
