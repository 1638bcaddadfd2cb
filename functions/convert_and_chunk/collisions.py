"""Rows of one series and time: exact repetitions, and contradictions."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.row_groups import PartReader

EXPLAINED = 1_000
"""So many collisions are looked at to tell which columns would keep them apart."""

Rows = NDArray[np.int64]

_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd numbers without a pattern: they mix series and time into one key that is mostly unique."""


class Repeated(NamedTuple):
    """`collapsed` repeat a later row; `colliding[n]` gives a field another value than the later `winners[n]`."""

    collapsed: Rows
    colliding: Rows
    winners: Rows


def find_repeated(series: NDArray[np.int32], time: Rows, fields: Iterable[NDArray[np.float64]]) -> Repeated:
    """Compare all rows of the same series and time, field by field, NaN being no value.

    The last value of a field wins, so a row that has another is colliding; rows that agree with the last values and
    have the same fields are the same point, of which the last row stays. What is left contradicts nothing.
    """
    rows = _candidates(series, time)
    starts = np.flatnonzero((np.diff(series[rows], prepend=-1) != 0) | (np.diff(time[rows], prepend=0) != 0))
    point = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
    winner = np.full(len(rows), -1)
    present = []
    for values in fields:
        value, place = values[rows], np.arange(len(rows))
        present.append(~np.isnan(value))
        last = np.maximum.reduceat(np.where(present[-1], place, -1), starts)[point] if len(rows) else place
        winner = np.where(present[-1] & (value != value[last]), last, winner)
    agreeing = np.flatnonzero(winner < 0)
    collapsed = _all_but_last([point[agreeing], *(has[agreeing] for has in present)])
    order = np.argsort(rows[winner >= 0])
    return Repeated(np.sort(rows[agreeing[collapsed]]), rows[winner >= 0][order], rows[winner[winner >= 0]][order])


def _candidates(series: NDArray[np.int32], time: Rows) -> Rows:
    """Rows whose mixed key occurs more than once, by series, time and row; most files have none.

    Two points may share a key by chance: they are told apart later.
    """
    keys = series.astype(np.uint64) * _MIX[0] + time.view(np.uint64) * _MIX[1]
    ordered = np.sort(keys)
    shared = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(shared):
        return np.empty(0, np.int64)
    rows = np.flatnonzero(shared[np.searchsorted(shared, keys).clip(max=len(shared) - 1)] == keys)
    return rows[np.lexsort((rows, time[rows], series[rows]))]


def _all_but_last(columns: list[NDArray[np.generic]]) -> Rows:
    """Of the positions where all columns are equal, all but the last."""
    order = np.lexsort(columns[::-1])
    same = np.ones(max(len(order) - 1, 0), bool)
    for column in columns:
        same &= column[order][1:] == column[order][:-1]
    return order[:-1][same]


def columns_apart(reader: PartReader, columns: Sequence[str], rows: Rows, others: Rows) -> list[str]:
    """Which of `columns` differ between each of `rows` and its other: as a tag, each would have kept them apart.

    Looks at the first EXPLAINED pairs; pandas' index columns and nested ones are no candidates.
    """
    flat = [name for name in columns if not name.startswith("__index_level_") and _is_flat(reader, name)]
    rows, others = rows[:EXPLAINED], others[:EXPLAINED]
    if not (len(rows) and flat):
        return []
    needed = np.unique(np.concatenate((rows, others)))
    values = pa.Table.from_batches(reader.rows_at(needed, flat)).to_pydict()
    pairs = list(zip(np.searchsorted(needed, rows), np.searchsorted(needed, others), strict=True))
    return [name for name in flat if all(repr(values[name][a]) != repr(values[name][b]) for a, b in pairs)]


def _is_flat(reader: PartReader, name: str) -> bool:
    return reader.schema.names.count(name) == 1 and not types.is_nested(reader.schema.field(name).type)
