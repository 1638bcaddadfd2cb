"""The selection of some rows, by their numbers, of record batches."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def take_rows(batch: pa.RecordBatch, positions: NDArray[np.int64]) -> pa.RecordBatch:
    """Return the rows at `positions`, one by one if Arrow cannot take from a column (nested string_view)."""
    try:
        return batch.take(pa.array(positions))
    except pa.ArrowNotImplementedError:
        return pa.concat_batches([batch.slice(position, 1) for position in positions.tolist()])


def rows_between(rows: NDArray[np.int64], first: int, count: int) -> NDArray[np.int64]:
    """Return those of `rows`, which are ascending, that are in the `count` rows from `first` on.

    >>> rows_between(np.array([1, 5, 7, 8]), first=5, count=3).tolist()
    [5, 7]
    """
    return rows[slice(*np.searchsorted(rows, (first, first + count)))]
