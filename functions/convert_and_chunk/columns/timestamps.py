"""A column of times as nanoseconds since 1970, UTC."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.verdicts import Problem, Reason, mask, problems
from shared.datasets import Dataset
from shared.schema import is_text

MAX_NS = 2**63 - 2
"""The last nanosecond that InfluxDB stores, 2262-04-11; its negative is the first, 1677-09-21.

The int64 values beyond these two have a special meaning to InfluxDB.
"""

_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9
_NO_TIME = np.iinfo(np.int64).min
"""pandas' NaT."""

_LOCAL = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?$"
_ZONED = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)? ?(Z|[+-]\d\d(:?\d\d)?)$"
"""ISO 8601 only: pandas would also read "now" as the time of the conversion, and cut digits beyond nanoseconds."""

Times = tuple[NDArray[np.int64], list[Problem]]


def timestamps(array: pa.Array, dataset: Dataset) -> Times:
    """`array` as nanoseconds, and the rows that have no usable time, whose nanoseconds mean nothing."""
    empty = problems(mask(array.is_null()), Reason("no_timestamp", f"{dataset.timestamp} is empty"))
    if not types.is_dictionary(array.type):
        ns, more = _timestamps(array, dataset)
        return ns, empty + more
    ns, more = _timestamps(array.dictionary, dataset)
    ns = pa.array(ns).take(array.indices).fill_null(0).to_numpy()
    return ns, empty + [problem.taken(array.indices) for problem in more]


def _timestamps(array: pa.Array, dataset: Dataset) -> Times:
    if is_text(array.type):
        return _parsed(array.cast(pa.string(), safe=False), dataset)  # unsafe: what is no UTF-8 is no time either
    if types.is_date(array.type) or types.is_null(array.type):
        array = array.cast(pa.timestamp("s"))
    ticks = array if types.is_integer(array.type) else array.cast(pa.int64())
    ns, too_far = _nanoseconds(ticks.fill_null(0).to_numpy(), dataset.epoch or array.type.unit)
    outside = Reason("timestamp_out_of_range", f"{dataset.timestamp} is before 1678 or after 2261")
    if dataset.epoch or array.type.tz:
        return ns, problems(too_far, outside)
    ns, more = _from_zone(ns, dataset)
    return ns, problems(too_far, outside) + more


def _nanoseconds(ticks: NDArray[np.integer], unit: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Scaled, and where that leaves the range (less a day, for the way from a zone to UTC) and becomes 0."""
    limit = (MAX_NS - _DAY) // _NS[unit]
    too_far = (ticks < -limit) | (ticks > limit)
    return np.where(too_far, 0, ticks).astype(np.int64) * _NS[unit], too_far


def _parsed(text: pa.Array, dataset: Dataset) -> Times:
    """Text with an offset is taken at its word, other text is local."""
    trimmed = pc.ascii_trim_whitespace(text)
    local, zoned = _iso_8601(trimmed, _LOCAL), _iso_8601(trimmed, _ZONED)
    unreadable = (local == _NO_TIME) & (zoned == _NO_TIME)
    reason = Reason("unreadable_timestamp", f"{dataset.timestamp} is no ISO 8601 time, or out of range")
    ns, more = _from_zone(np.where(local == _NO_TIME, 0, local), dataset)
    return np.where(zoned == _NO_TIME, ns, zoned), problems(unreadable, reason) + more


def _iso_8601(text: pa.Array, pattern: str) -> NDArray[np.int64]:
    """Texts of this form as nanoseconds, others as _NO_TIME."""
    import pandas as pd  # noqa: PLC0415 -- 0.4 s and 90 MiB that only text costs

    matching = pc.if_else(pc.match_substring_regex(text, pattern), text, None).to_numpy(zero_copy_only=False)
    times = pd.to_datetime(matching, format="ISO8601", errors="coerce", utc=True)
    ns, too_far = _nanoseconds(times.asi8, times.unit)
    return np.where(too_far, _NO_TIME, ns)


def _from_zone(local: NDArray[np.int64], dataset: Dataset) -> Times:
    """Wall-clock times of the dataset's zone, whose clocks skip an hour in one year and repeat one in another."""
    if dataset.zone == "UTC":
        return local, []
    import pandas as pd  # noqa: PLC0415 -- as above

    clock = pd.DatetimeIndex(local.view("M8[ns]"))
    times = clock.tz_localize(dataset.zone, ambiguous="NaT", nonexistent="NaT").asi8
    shifted = clock.tz_localize(dataset.zone, ambiguous="NaT", nonexistent="shift_forward").asi8
    name = f"{dataset.timestamp} in {dataset.zone}"
    return times, [
        *problems(shifted == _NO_TIME, Reason("ambiguous_time", f"{name}: clocks showed this time twice")),
        *problems(shifted != times, Reason("nonexistent_time", f"{name}: clocks never showed this time")),
    ]
