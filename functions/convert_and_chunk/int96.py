"""INT96, the type in which Spark and Impala write times: a day and the nanoseconds of that day.

Arrow reads INT96 as nanoseconds in 64 bits, and times that do not fit wrap around to other times. Seconds hold every
time, so `times_beyond` reads a column in seconds to find the rows whose nanoseconds are wrong, and `mark_beyond` gives
these rows a time that is out of range. `finest_unit` is for columns whose times are only copied.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import types

COARSE, FINE = "s", "ns"
_TICKS_PER_SECOND = {"ns": 10**9, "us": 10**6, "ms": 1000}
_BEYOND_NS = 2**63 // _TICKS_PER_SECOND[FINE]
"""The first second whose nanoseconds do not all fit into 64 bits."""

_OUT_OF_RANGE = 2**63 - 1
"""Nanoseconds that no accepted time has."""


def int96_leaves(metadata: pq.FileMetaData, columns: Sequence[str]) -> list[str]:
    """Return the paths of the leaves of these columns that are INT96; the path of a flat column is its name."""
    leaves = (metadata.schema.column(number) for number in range(metadata.num_columns))
    paths = [leaf.path for leaf in leaves if leaf.physical_type == "INT96"]
    return [path for path in paths if any(path == name or path.startswith(f"{name}.") for name in columns)]


def times_beyond(batches: Iterable[tuple[int, pa.RecordBatch]], name: str) -> NDArray[np.int64]:
    """Return the rows whose time does not fit into 64 bits of nanoseconds.

    Args:
        batches: The column, read in seconds, and the number of the first row of each record batch.
        name: The name of the column.
    """
    rows = [np.flatnonzero(_is_beyond(batch.column(name))) + first for first, batch in batches]
    return np.concatenate(rows) if rows else np.empty(0, np.int64)


def mark_beyond(batch: pa.RecordBatch, positions: Mapping[str, NDArray[np.int64]]) -> pa.RecordBatch:
    """Return the record batch with times that are out of range at these positions of these columns."""
    for name, of_column in positions.items():
        number = batch.schema.names.index(name)
        field, is_beyond = batch.schema.field(number), np.zeros(batch.num_rows, bool)
        is_beyond[of_column] = True
        marked = pc.if_else(pa.array(is_beyond), pa.scalar(_OUT_OF_RANGE).cast(field.type), batch.column(number))
        batch = batch.set_column(number, field, marked)
    return batch


def finest_unit(batches: Iterable[pa.RecordBatch]) -> str:
    """Return the finest unit in which all times fit into 64 bits.

    Example: the year 9999 is 253,402,300,799 s. Times 10**9 that exceeds 2**63, times 10**6 it does not: microseconds.

    Args:
        batches: Columns of times, which may be nested, read in seconds.
    """
    arrays = [array for batch in batches for column in batch.columns for array in _leaves(column)]
    largest = max((pc.max(pc.abs(array.cast(pa.int64()))).as_py() or 0 for array in arrays), default=0)
    return next((unit for unit, ticks in _TICKS_PER_SECOND.items() if largest < 2**63 // ticks), COARSE)


def _is_beyond(column: pa.Array) -> NDArray[np.bool_]:
    seconds = column.cast(pa.int64()).fill_null(0).to_numpy()
    is_beyond: NDArray[np.bool_] = (seconds >= _BEYOND_NS) | (seconds <= -_BEYOND_NS)
    return is_beyond


def _leaves(array: pa.Array) -> Iterator[pa.Array]:
    """Yield the arrays of times in a nested array."""
    if types.is_timestamp(array.type):
        yield array
    elif types.is_nested(array.type):
        for child in _children(array):
            yield from _leaves(child)


def _children(array: pa.Array) -> list[pa.Array]:
    if types.is_map(array.type):
        return [array.keys, array.items]
    return list(array.flatten()) if types.is_struct(array.type) else [array.flatten()]
