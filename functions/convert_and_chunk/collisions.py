"""Rows that have the same series and time: exact repetitions collapse, contradictions are collisions.

InfluxDB keeps one point per series and time, and the last value that was written for each field of it.
`find_repeated_points` finds the rows for which that would lose a value. It gets only the rows whose series and time
occur more than once (`point_order`), which most files do not have:

1. Rows are compared field by field with the last value of their point. A row with another value is a collision.
2. Of the rows that agree with the last values and have the same fields, all but the last row collapse
   (`_all_but_last_of_equals`).

`distinguishing_columns` then names the columns that, declared as a tag, would have prevented all collisions.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.columns.texts import texts
from functions.convert_and_chunk.row_groups import PartReader

MAX_COLLISIONS_EXAMINED = 1_000
"""The number of collisions to examine for columns that would distinguish the rows."""

Rows = NDArray[np.int64]


class RepeatedPoints(NamedTuple):
    """The rows that do not become lines since a later row has the same series and time.

    `collapsed` repeat a later row exactly. `colliding[n]` gives a field another value than the later `winners[n]`;
    `colliding` is ascending.
    """

    collapsed: Rows
    colliding: Rows
    winners: Rows


def find_repeated_points(
    series: NDArray[np.int32], time: Rows, fields: Iterable[NDArray[np.float64]], rows: Rows
) -> RepeatedPoints:
    """Find rows that repeat a later row, and rows that a later row contradicts.

    Example: one series, the fields a and b, and five rows, of which the first four have the same time.

        row  time    a    b
        0       7    1         collision: row 3 gives a another value
        1       7         5    becomes a line: no row contradicts it, and no other row has just the field b
        2       7    2         collapses into row 3: the same fields with the same values
        3       7    2         becomes a line: it has the last value of a
        4       8    1         is not compared: it is the only row at its time

    >>> nan = np.nan
    >>> series, time = np.zeros(5, np.int32), np.array([7, 7, 7, 7, 8])
    >>> a, b = np.array([1, nan, 2, 2, 1]), np.array([nan, 5, nan, nan, nan])
    >>> repeated = find_repeated_points(series, time, [a, b], np.arange(4))
    >>> repeated.collapsed.tolist(), repeated.colliding.tolist(), repeated.winners.tolist()
    ([2], [0], [3])

    Args:
        series: The series number of each row.
        time: The time of each row in ns.
        fields: The values of each field, one per row; NaN is no value.
        rows: The rows to compare, sorted by series, time and row: [0, 1, 2, 3] in the example.
    """
    if not len(rows):
        return RepeatedPoints(rows, rows, rows)
    # starts[k] is the position in `rows` at which point k begins: [0]. No series is -1, so the first row always starts.
    starts = np.flatnonzero((np.diff(series[rows], prepend=-1) != 0) | (np.diff(time[rows], prepend=0) != 0))
    # point[n] is the point that position n belongs to: [0, 0, 0, 0].
    point = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
    winner, presence = np.full(len(rows), -1), []
    for values in fields:
        value = values[rows]
        has_value = ~np.isnan(value)  # field a: [True, False, True, True]
        # The last position of the same point that has this field, for each position. Field a: [3, 3, 3, 3].
        last = np.maximum.reduceat(np.where(has_value, np.arange(len(rows)), -1), starts)[point]
        # Position 0 has 1 where position 3 has 2, so it loses to 3: [3, -1, -1, -1].
        winner = np.where(has_value & (value != value[last]), last, winner)
        presence.append(has_value)
    agreeing, colliding = np.flatnonzero(winner < 0), np.flatnonzero(winner >= 0)  # [1, 2, 3] and [0]
    colliding = colliding[np.argsort(rows[colliding])]  # from the order of points to the order of the file
    # Rows that agree with the last values and have the same fields are equal, so the values need not be compared.
    collapsed = agreeing[_all_but_last_of_equals([point[agreeing], *(has_value[agreeing] for has_value in presence)])]
    return RepeatedPoints(rows[collapsed], rows[colliding], rows[winner[colliding]])


def _all_but_last_of_equals(columns: list[NDArray[np.generic]]) -> Rows:
    """Return the positions for which a later position has the same values in all columns.

    `lexsort` puts equal positions next to each other and keeps their order, so it is enough to compare neighbors.

    Example: three rows of one point. The last two have the field a, the first has the field b.

    >>> point, has_a, has_b = np.array([0, 0, 0]), np.array([False, True, True]), np.array([True, False, False])
    >>> _all_but_last_of_equals([point, has_a, has_b]).tolist()
    [1]
    """
    order = np.lexsort(columns)  # sorted by b, then a, then point: [1, 2, 0]
    position, neighbor = order[:-1], order[1:]  # the pairs (1, 2) and (2, 0)
    for column in columns:  # each column removes pairs: has_a is True for 1 and 2, but not for 0
        same = column[position] == column[neighbor]
        position, neighbor = position[same], neighbor[same]
    return position


def distinguishing_columns(reader: PartReader, columns: Sequence[str], rows: Rows, winners: Rows) -> list[str]:
    """Return the columns that differ between each colliding row and its winner.

    Each of them, declared as a tag, would have made different series of the rows. Only the first
    MAX_COLLISIONS_EXAMINED collisions are examined. The index columns of pandas and nested columns are not considered.

    Example: row 0 collides with row 3 and row 1 with row 2. The column `turbine` holds A, B, C, D and distinguishes
    both pairs. The column `operator` holds X, Y, Y, Y: it distinguishes 0 from 3 but not 1 from 2, so it is left out.
    """
    flat = [name for name in columns if not name.startswith("__index_level_") and _is_flat(reader, name)]
    rows, winners = rows[:MAX_COLLISIONS_EXAMINED], winners[:MAX_COLLISIONS_EXAMINED]
    if not (len(rows) and flat):
        return []
    rows_to_read = np.unique(np.concatenate((rows, winners)))  # ascending, as the reader requires: [0, 1, 2, 3]
    batches = reader.read_rows(rows_to_read, flat, _texts)
    # The positions of both rows of each pair among the rows that were read: (0, 3) and (1, 2).
    pairs = list(zip(np.searchsorted(rows_to_read, rows), np.searchsorted(rows_to_read, winners), strict=True))
    values = {name: [text for batch in batches for text in batch[name]] for name in batches[0]}
    return [name for name, column in values.items() if all(column[a] != column[b] for a, b in pairs)]


def _texts(batches: Iterable[pa.RecordBatch]) -> list[dict[str, list[str | None]]]:
    return [{name: texts(batch.column(name)) for name in batch.schema.names} for batch in batches]


def _is_flat(reader: PartReader, name: str) -> bool:
    """Return whether the values of a column can be compared."""
    is_ambiguous = name in reader.unreadable or reader.schema.names.count(name) > 1
    return not is_ambiguous and not types.is_nested(reader.schema.field(name).type)
