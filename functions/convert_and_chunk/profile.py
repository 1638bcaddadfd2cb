"""How each field runs over time: a few numbers per bin of time, for the load report's charts."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from shared.stored import Bin, Profile

MAX_BINS = 256
"""Of a part: a month by three hours, a year by two days."""

ROWS_AT_ONCE = 65_536

_STEPS = (*[10] * 10, 6, 10, 6, 3, 2, 2, 2)
"""From a nanosecond over 10 s, 1 min, 10 min, 1 h, 3 h, 6 h and 12 h to a day; from there on twice the one before."""


def profile(time: NDArray[np.int64], fields: Mapping[str, NDArray[np.float64]], lines: NDArray[np.int64]) -> Profile:
    """Of the rows that are `lines`, of which there is at least one."""
    first, last = _span(time, lines)
    width = next(width for width in _widths() if last // width - first // width < MAX_BINS)
    runs = {name: _Run(last // width - first // width + 1) for name in fields}
    for start in range(0, len(lines), ROWS_AT_ONCE):
        rows = lines[start : start + ROWS_AT_ONCE]
        bins = (time[rows] // width - first // width).astype(np.uint16)
        order = np.argsort(bins, kind="stable")
        rows, bins = rows[order], bins[order]
        starts = np.flatnonzero(np.diff(bins, prepend=np.uint16(MAX_BINS)))
        for name, values in fields.items():
            runs[name].add(bins[starts], values[rows], starts)
    found = {name: run.bins(first // width) for name, run in runs.items()}
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
    """One field, bin by bin; NaN is no value."""

    def __init__(self, bins: int) -> None:
        self._counts = np.zeros(bins, np.int64)
        self._sums = np.zeros(bins)
        self._lows, self._highs = np.full(bins, np.inf), np.full(bins, -np.inf)

    def add(self, bins: NDArray[np.uint16], values: NDArray[np.float64], starts: NDArray[np.int64]) -> None:
        """The values of `bins[n]`, each of which occurs once, begin at `starts[n]`."""
        absent = np.isnan(values)
        self._counts[bins] += np.add.reduceat(~absent, starts, dtype=np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            self._sums[bins] += np.add.reduceat(np.where(absent, 0.0, values), starts)
        self._lows[bins] = np.fmin(self._lows[bins], np.fmin.reduceat(values, starts))
        self._highs[bins] = np.fmax(self._highs[bins], np.fmax.reduceat(values, starts))

    def bins(self, first: int) -> list[Bin]:
        """Those with values. A mean whose sum leaves the doubles is cut to the range of its values."""
        there = np.flatnonzero(self._counts)
        lows, highs, counts = self._lows[there], self._highs[there], self._counts[there]
        means = np.clip(np.nan_to_num(self._sums[there] / counts), lows, highs)
        columns = (there + first, counts, lows, means, highs)
        return [Bin(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
