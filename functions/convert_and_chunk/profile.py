"""How each field runs over time: a few numbers per bucket of time, for the load report's charts."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from shared.stored import Bucket, Profile

MAX_BUCKETS = 256
"""Of a part: a month by three hours, a year by two days."""

ROWS_AT_ONCE = 65_536

_STEPS = (*[10] * 10, 6, 10, 6, 3, 2, 2, 2)
"""From a nanosecond over 10 s, 1 min, 10 min, 1 h, 3 h, 6 h and 12 h to a day; from there on twice the one before."""


def profile(time: NDArray[np.int64], fields: Mapping[str, NDArray[np.float64]], lines: NDArray[np.int64]) -> Profile:
    """Of the rows that are `lines`, of which there is at least one."""
    first, last = _span(time, lines)
    width = next(width for width in _widths() if last // width - first // width < MAX_BUCKETS)
    runs = {name: _Run(last // width - first // width + 1) for name in fields}
    for start in range(0, len(lines), ROWS_AT_ONCE):
        rows = lines[start : start + ROWS_AT_ONCE]
        buckets = (time[rows] // width - first // width).astype(np.uint16)
        order = np.argsort(buckets, kind="stable")
        rows, buckets = rows[order], buckets[order]
        starts = np.flatnonzero(np.diff(buckets, prepend=np.uint16(MAX_BUCKETS)))
        for name, values in fields.items():
            runs[name].add(buckets[starts], values[rows], starts)
    found = {name: run.buckets(first // width) for name, run in runs.items()}
    return {"first_ns": first, "last_ns": last, "bucket_ns": width, "fields": found}


def _span(time: NDArray[np.int64], lines: NDArray[np.int64]) -> tuple[int, int]:
    there = time[lines]
    return int(there.min()), int(there.max())


def _widths() -> Iterator[int]:
    """Each a multiple of the one before, so that profiles of several parts can be joined."""
    width = 1
    yield width
    for step in _STEPS:
        width *= step
        yield width
    while True:
        width *= 2
        yield width


class _Run:
    """One field, bucket by bucket; NaN is no value."""

    def __init__(self, buckets: int) -> None:
        self._counts = np.zeros(buckets, np.int64)
        self._sums = np.zeros(buckets)
        self._lows, self._highs = np.full(buckets, np.inf), np.full(buckets, -np.inf)

    def add(self, buckets: NDArray[np.uint16], values: NDArray[np.float64], starts: NDArray[np.int64]) -> None:
        """The values of `buckets[n]`, each of which occurs once, begin at `starts[n]`."""
        absent = np.isnan(values)
        self._counts[buckets] += np.add.reduceat(~absent, starts, dtype=np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            self._sums[buckets] += np.add.reduceat(np.where(absent, 0.0, values), starts)
        self._lows[buckets] = np.fmin(self._lows[buckets], np.fmin.reduceat(values, starts))
        self._highs[buckets] = np.fmax(self._highs[buckets], np.fmax.reduceat(values, starts))

    def buckets(self, first: int) -> list[Bucket]:
        """Those with values. A mean whose sum leaves the doubles is cut to the range of its values."""
        there = np.flatnonzero(self._counts)
        lows, highs, counts = self._lows[there], self._highs[there], self._counts[there]
        means = np.clip(np.nan_to_num(self._sums[there] / counts), lows, highs)
        columns = (there + first, counts, lows, means, highs)
        return [Bucket(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
