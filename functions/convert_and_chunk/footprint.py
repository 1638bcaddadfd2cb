"""The footprint of a part: which points it writes (`shared/footprints.py`)."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from functions.convert_and_chunk.days import DayCounter
from functions.convert_and_chunk.point_order import SortedPoints
from shared.calendars import Count
from shared.footprints import FootprintWriter


class SortedSeries(NamedTuple):
    """The series of a part as text, ascending, and the position of each series number among them."""

    names: pa.Array
    ranks: NDArray[np.int32]


def sort_series(prefixes: pa.Array) -> SortedSeries:
    """Sort the series by their names, which are their prefixes without the space at the end.

    >>> names, ranks = sort_series(pa.array(["m,t=y ", "m,t=z ", "m,t=x "]))
    >>> names.to_pylist(), ranks.tolist()
    (['m,t=x', 'm,t=y', 'm,t=z'], [1, 2, 0])
    """
    names = pc.utf8_slice_codeunits(prefixes, 0, -1)
    order = pc.sort_indices(names)
    ranks = np.empty(len(order), np.int32)
    ranks[order.to_numpy()] = np.arange(len(order), dtype=np.int32)
    return SortedSeries(names.take(order), ranks)


class PartFootprint(NamedTuple):
    """The footprint of a part as Parquet, and how many points and series it has on each day."""

    parquet: bytes
    calendar: dict[str, Count]


def encode_footprint(names: pa.Array, points: SortedPoints) -> PartFootprint:
    """Encode the footprint of a part, which may have no lines.

    Args:
        names: All series, ascending.
        points: The lines of the part, sorted.
    """
    writer, days = FootprintWriter(names, list(points.part.fields)), DayCounter(names, *points.part.span())
    for block in points.blocks():
        writer.write(block)
        days.add(block)
    return PartFootprint(writer.close(), days.calendar())
