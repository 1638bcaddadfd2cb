"""Rows of one series and time: exact repetitions, and contradictions."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.columns.texts import texts
from functions.convert_and_chunk.row_groups import PartReader

EXPLAINED = 1_000
"""So many collisions are looked at to tell which columns would keep them apart."""

_AT_ONCE = 65_536

Rows = NDArray[np.int64]

_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd numbers without a pattern, to mix series and time into one key: one fast sort then shows what is repeated."""


class Repeated(NamedTuple):
    """`collapsed` repeat a later row; `colliding[n]` gives a field another value than the later `winners[n]`."""

    collapsed: Rows
    colliding: Rows
    winners: Rows


def find_repeated(
    series: NDArray[np.int32], time: Rows, fields: Iterable[NDArray[np.float64]], lines: Rows
) -> Repeated:
    """Compare those rows of `lines` that have the same series and time, field by field, NaN being no value.

    The last value of a field wins, so a row that has another is colliding; rows that agree with the last values and
    have the same fields are the same point, of which the last row stays. What is left contradicts nothing.
    """
    rows = _candidates(series, time, lines)
    if not len(rows):
        return Repeated(rows, rows, rows)
    starts = np.flatnonzero((np.diff(series[rows], prepend=-1) != 0) | (np.diff(time[rows], prepend=0) != 0))
    point = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
    winner, present = np.full(len(rows), -1), []
    for values in fields:
        value = values[rows]
        there = ~np.isnan(value)
        last = np.maximum.reduceat(np.where(there, np.arange(len(rows)), -1), starts)[point]
        winner = np.where(there & (value != value[last]), last, winner)
        present.append(there)
    agreeing, colliding = np.flatnonzero(winner < 0), np.flatnonzero(winner >= 0)
    colliding = colliding[np.argsort(rows[colliding])]
    collapsed = agreeing[_all_but_last([point[agreeing], *(there[agreeing] for there in present)])]
    return Repeated(rows[collapsed], rows[colliding], rows[winner[colliding]])


def _candidates(series: NDArray[np.int32], time: Rows, lines: Rows) -> Rows:
    """Rows whose mixed key occurs more than once, by series, time and row; most files have none.

    Two points may share a key by chance: they are told apart later.
    """
    keys = _keys(series, time, lines)
    keys.sort()
    shared = keys[1:][keys[1:] == keys[:-1]]
    if not len(shared):
        return lines[:0]
    keys = _keys(series, time, lines)
    rows = lines[shared[np.searchsorted(shared, keys).clip(max=len(shared) - 1)] == keys]
    by_point: Rows = rows[np.lexsort((rows, time[rows], series[rows]))]
    return by_point


def _keys(series: NDArray[np.int32], time: Rows, lines: Rows) -> NDArray[np.uint64]:
    """Some lines at a time: what is in between would be as large as the keys."""
    keys = np.empty(len(lines), np.uint64)
    for first in range(0, len(lines), _AT_ONCE):
        rows = lines[first : first + _AT_ONCE]
        keys[first : first + len(rows)] = (
            series[rows].astype(np.uint64) * _MIX[0] + time[rows].view(np.uint64) * _MIX[1]
        )
    return keys


def _all_but_last(columns: list[NDArray[np.generic]]) -> Rows:
    """Of the positions where all columns are equal, all but the last."""
    order = np.lexsort(columns)
    here, after = order[:-1], order[1:]
    for column in columns:
        same = column[here] == column[after]
        here, after = here[same], after[same]
    return here


def columns_apart(reader: PartReader, columns: Sequence[str], rows: Rows, others: Rows) -> list[str]:
    """Which of `columns` differ between each of `rows` and its other: as a tag, each would have kept them apart.

    Looks at the first EXPLAINED pairs; pandas' index columns and nested ones are no candidates.
    """
    flat = [name for name in columns if not name.startswith("__index_level_") and _is_flat(reader, name)]
    rows, others = rows[:EXPLAINED], others[:EXPLAINED]
    if not (len(rows) and flat):
        return []
    needed = np.unique(np.concatenate((rows, others)))
    values = [{name: texts(batch.column(name)) for name in flat} for batch in reader.rows_at(needed, flat)]
    pairs = list(zip(np.searchsorted(needed, rows), np.searchsorted(needed, others), strict=True))
    joined = {name: [text for batch in values for text in batch[name]] for name in flat}
    return [name for name, column in joined.items() if all(column[a] != column[b] for a, b in pairs)]


def _is_flat(reader: PartReader, name: str) -> bool:
    return reader.schema.names.count(name) == 1 and not types.is_nested(reader.schema.field(name).type)
