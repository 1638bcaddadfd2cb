"""A column of times becomes nanoseconds since 1970, UTC.

`timestamps` is what other modules call; it converts a dictionary by its values. `_timestamps` converts by the type of
the column: text by `_parse_text`, integers and Arrow's own times by `_nanoseconds`, which scales them and checks their
range. Times without an offset are local times of the dataset, which `_from_zone` converts to UTC.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.verdicts import Problem, Reason, mask, problems
from shared.column_types import is_text
from shared.datasets import Dataset

MAX_NS = 2**63 - 2
"""The last nanosecond that InfluxDB stores, 2262-04-11; its negative is the first, 1677-09-21.

The int64 values beyond these two have a special meaning to InfluxDB.
"""

_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9
_NO_TIME = np.iinfo(np.int64).min
"""The int64 value of NaT (not a time) in pandas."""

_LOCAL = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?$"
_ZONED = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)? ?(Z|[+-]\d\d(:?\d\d)?)$"
"""The forms of ISO 8601 that are read, without and with an offset.

pandas alone would also read "now" as the time of the conversion, and drop digits beyond nanoseconds.
"""

Times = tuple[NDArray[np.int64], list[Problem]]


def has_local_times(array: pa.Array) -> bool:
    """Return whether any time of a column names no zone, and so is a local time of the dataset.

    >>> has_local_times(pa.array(["2024-01-01T00:00Z", "2024-01-01"])), has_local_times(pa.array([1], pa.int64()))
    (True, False)
    """
    values = array.dictionary if types.is_dictionary(array.type) else array
    if is_text(values.type):
        text = pc.ascii_trim_whitespace(values.cast(pa.string(), safe=False))
        return bool(pc.any(pc.match_substring_regex(text, _LOCAL)).as_py())
    return types.is_date(values.type) or (types.is_timestamp(values.type) and values.type.tz is None)


def timestamps(array: pa.Array, dataset: Dataset) -> Times:
    """Convert a column.

    Example: the clocks of São Paulo skipped 2018-11-04 00:30 and showed 2018-02-17 23:30 twice. The third time is three
    hours behind UTC.

    >>> from dataclasses import replace
    >>> from shared.datasets import DATASETS
    >>> dataset = replace(DATASETS["generation"], zone="America/Sao_Paulo")
    >>> array = pa.array(["2018-11-04 00:30", "2018-02-17 23:30", "1970-01-01 00:00"])
    >>> ns, [ambiguous, nonexistent] = timestamps(array, dataset)
    >>> int(ns[2]) == 3 * 3600 * 10**9, ambiguous.rows.tolist(), nonexistent.rows.tolist()
    (True, [False, True, False], [True, False, False])

    Returns:
        The nanoseconds of each row, and the problems. The nanoseconds of a row with a problem have no meaning.
    """
    has_nulls = array.null_count or types.is_dictionary(array.type)
    is_empty = mask(array.is_null()) if has_nulls else np.zeros(len(array), bool)
    empty = problems(is_empty, Reason("no_timestamp", f"{dataset.timestamp} is empty"))
    if not types.is_dictionary(array.type):
        ns, ns_problems = _timestamps(array, dataset)
        return ns, empty + ns_problems
    ns, ns_problems = _timestamps(array.dictionary, dataset)
    ns = pa.array(ns).take(array.indices).fill_null(0).to_numpy()
    return ns, empty + [problem.spread_to_rows(array.indices) for problem in ns_problems]


def _timestamps(array: pa.Array, dataset: Dataset) -> Times:
    """Convert a column that is not a dictionary.

    Null becomes 0 on the way, since numpy has no integer null; `timestamps` has a problem for these rows already.

    Example: in seconds, 10**10 is the year 2286, which is out of range.

    >>> from shared.datasets import DATASETS
    >>> ns, [out_of_range] = _timestamps(pa.array([1, None, 10**10], pa.timestamp("s")), DATASETS["generation"])
    >>> ns.tolist(), out_of_range.rows.tolist()
    ([1000000000, 0, 0], [False, False, True])
    """
    if is_text(array.type):
        # Unsafe skips the check for UTF-8: text of other bytes does not match a form of ISO 8601 either.
        return _parse_text(array.cast(pa.string(), safe=False), dataset)
    if types.is_date(array.type) or types.is_null(array.type):
        array = array.cast(pa.timestamp("s"))
    ticks = array if types.is_integer(array.type) else array.cast(pa.int64())
    ticks = ticks.fill_null(0) if ticks.null_count else ticks  # fill_null copies even without nulls
    ns, too_far = _nanoseconds(ticks.to_numpy(), dataset.epoch or array.type.unit)
    outside = Reason("timestamp_out_of_range", f"{dataset.timestamp} is before 1678 or after 2261")
    if dataset.epoch or array.type.tz:
        return ns, problems(too_far, outside)
    ns, ns_problems = _from_zone(ns, dataset)
    return ns, problems(too_far, outside) + ns_problems


def _nanoseconds(ticks: NDArray[np.integer], unit: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Scale to nanoseconds; times out of range become 0.

    The range is one day narrower than that of InfluxDB, since a local time may still move on its way to UTC.

    >>> ns, too_far = _nanoseconds(np.array([1, 10**10]), "s")
    >>> ns.tolist(), too_far.tolist()
    ([1000000000, 0], [False, True])

    Returns:
        The nanoseconds, and a mask of the times that are out of range.
    """
    limit = (MAX_NS - _DAY) // _NS[unit]
    if len(ticks) and -limit <= ticks.min() and ticks.max() <= limit:  # as in most files
        ns = np.multiply(ticks, _NS[unit], dtype=np.int64, casting="unsafe")  # of any type of integers, in one pass
        return ns, np.zeros(len(ticks), bool)
    too_far = (ticks < -limit) | (ticks > limit)
    return np.where(too_far, 0, ticks).astype(np.int64) * _NS[unit], too_far


def _parse_text(text: pa.Array, dataset: Dataset) -> Times:
    """Convert text. A time without an offset is a local time of the dataset.

    Both forms are tried on all texts, and each text matches one at most.

    Example: of "1970-01-02", "1970-01-01T00:00:00-03:00" and "x", only the first is local and only the second has an
    offset. The third is neither, so it is unreadable.
    """
    text = pc.ascii_trim_whitespace(text)
    local, zoned = _iso_8601(text, _LOCAL), _iso_8601(text, _ZONED)
    unreadable = (local == _NO_TIME) & (zoned == _NO_TIME)
    reason = Reason("unreadable_timestamp", f"{dataset.timestamp} is not an ISO 8601 time, or is out of range")
    ns, ns_problems = _from_zone(np.where(local == _NO_TIME, 0, local), dataset)
    return np.where(zoned == _NO_TIME, ns, zoned), problems(unreadable, reason) + ns_problems


def _iso_8601(text: pa.Array, pattern: str) -> NDArray[np.int64]:
    """Return the nanoseconds of texts of this form, and _NO_TIME for all others.

    >>> ns = _iso_8601(pa.array(["1970-01-01 00:00:01", "now"]), _LOCAL)
    >>> ns.tolist() == [10**9, _NO_TIME]
    True
    """
    import pandas as pd  # noqa: PLC0415 -- costs 0.4 s and 90 MiB, which only text needs

    matching = pc.if_else(pc.match_substring_regex(text, pattern), text, None).to_numpy(zero_copy_only=False)
    times = pd.to_datetime(matching, format="ISO8601", errors="coerce", utc=True)
    ns, too_far = _nanoseconds(times.asi8, times.unit)
    return np.where(too_far, _NO_TIME, ns)


def _from_zone(local: NDArray[np.int64], dataset: Dataset) -> Times:
    """Convert local times of the dataset to UTC.

    Where clocks are set forward, an hour of local times does not exist; where they are set back, an hour exists twice.
    pandas is called twice to distinguish these cases. Both calls return NaT for an ambiguous time. For a nonexistent
    time only the first call does; the second moves it to the next time that exists. So a time is ambiguous if the
    second result is NaT, and nonexistent if the two results differ.

    Example: for the times in the doctest of `timestamps`, the first call returns NaT, NaT and 03:00, the second
    returns 2018-11-04 03:00, NaT and 03:00 (UTC).
    """
    if dataset.zone == "UTC":
        return local, []
    import pandas as pd  # noqa: PLC0415 -- as in _iso_8601

    clock = pd.DatetimeIndex(local.view("M8[ns]"))
    times = clock.tz_localize(dataset.zone, ambiguous="NaT", nonexistent="NaT").asi8
    shifted = clock.tz_localize(dataset.zone, ambiguous="NaT", nonexistent="shift_forward").asi8
    name = f"{dataset.timestamp} in {dataset.zone}"
    return times, [
        *problems(shifted == _NO_TIME, Reason("ambiguous_time", f"{name}: clocks showed this time twice")),
        *problems(shifted != times, Reason("nonexistent_time", f"{name}: clocks never showed this time")),
    ]
