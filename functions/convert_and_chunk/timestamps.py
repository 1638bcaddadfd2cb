"""A column of times as nanoseconds since 1970, UTC."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.verdicts import Problem, Reason
from shared.datasets import Dataset

MIN_NS, MAX_NS = -(2**63) + 2, 2**63 - 2
"""What InfluxDB takes: 1677-09-21 to 2262-04-11. The outermost int64 values mean something else to it."""

_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def timestamps(array: pa.Array, dataset: Dataset) -> tuple[NDArray[np.int64], list[Problem]]:
    """`array` as nanoseconds, and the rows that have no usable time."""
    problems = []
    if array.null_count:
        rows = array.is_null().to_numpy(zero_copy_only=False)
        problems.append(Problem(rows, Reason("no_timestamp", f"{dataset.timestamp} is empty")))
    if types.is_date(array.type):
        array = array.cast(pa.timestamp("s"))
    unit = _NS[dataset.epoch or array.type.unit]
    ticks = array.cast(pa.int64()).fill_null(0).to_numpy()
    rows = (ticks < -(-MIN_NS // unit)) | (ticks > MAX_NS // unit)
    if rows.any():
        problems.append(Problem(rows, Reason("time_out_of_range", f"{dataset.timestamp} is before 1678 or after 2261")))
    return ticks * unit, problems
