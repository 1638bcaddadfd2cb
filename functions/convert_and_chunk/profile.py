"""The profile of a part: a few numbers per field and bin of time, for the charts of the report.

`profile` chooses the width of the bins (`_widths`), sorts blocks of rows by bin, and adds each block to the `_Run` of
each field, which keeps count, sum, minimum and maximum of every bin.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from shared.stored import Bin, Profile

MAX_BINS = 256
"""The maximum number of bins of a part: 3 hours wide for a month, 2 days wide for a year."""

_BLOCK_ROWS = 65_536

_WIDTH_FACTORS = (*[10] * 10, 6, 10, 6, 3, 2, 2, 2)
"""The factors from one width to the next: 1 ns, ten times 10 up to 10 s, 1 min, 10 min, 1 h, 3 h, 6 h, 12 h, 1 day."""


def profile(time: NDArray[np.int64], fields: Mapping[str, NDArray[np.float64]], lines: NDArray[np.int64]) -> Profile:
    """Summarize the points of a part.

    Example: 300 values of the seconds 0 to 299, which are 299 * 10**9 ns apart. Bins of 1 s would be 300, which is too
    many, so bins are 10 s wide, the next width. The first of the 30 bins has 10 values, from 0 to 9.

    >>> seconds = np.arange(300)
    >>> result = profile(seconds * 10**9, {"f": seconds.astype(float)}, lines=seconds)
    >>> result["bucket_ns"], len(result["fields"]["f"]), result["fields"]["f"][0]
    (10000000000, 30, Bin(number=0, values=10, low=0.0, mean=4.5, high=9.0))

    Args:
        time: The time of each row in ns.
        fields: The values of each field, one per row; NaN is no value.
        lines: The rows that became lines, at least one.
    """
    first, last = _span(time, lines)
    width = next(width for width in _widths() if last // width - first // width < MAX_BINS)
    runs = {name: _Run(last // width - first // width + 1) for name in fields}
    for start in range(0, len(lines), _BLOCK_ROWS):
        rows = lines[start : start + _BLOCK_ROWS]
        bins = (time[rows] // width - first // width).astype(np.uint16)
        # Sorted by bin, the rows of a bin are one slice, so `reduceat` can add them up. For the bins 1, 0, 1 the order
        # is 1, 0, 2 and the bins become 0, 1, 1, which start at the positions 0 and 1. No bin has the number MAX_BINS,
        # so the first position always starts a bin. The sort is stable, which is fast if rows are sorted by time.
        order = np.argsort(bins, kind="stable")
        rows, bins = rows[order], bins[order]
        starts = np.flatnonzero(np.diff(bins, prepend=np.uint16(MAX_BINS)))
        for name, values in fields.items():
            runs[name].add(bins[starts], values[rows], starts)
    field_bins = {name: run.bins(first // width) for name, run in runs.items()}
    return {"first_ns": first, "last_ns": last, "bucket_ns": width, "fields": field_bins}


def _span(time: NDArray[np.int64], lines: NDArray[np.int64]) -> tuple[int, int]:
    """Return the first and the last time of the lines, block by block: all their times would be as large as `time`."""
    first, last = int(time[lines[0]]), int(time[lines[0]])
    for start in range(0, len(lines), _BLOCK_ROWS):
        block = time[lines[start : start + _BLOCK_ROWS]]
        first, last = min(first, int(block.min())), max(last, int(block.max()))
    return first, last


def _widths() -> Iterator[int]:
    """Yield the widths of bins in ns. Each divides the next one, so that profiles of several parts can be joined."""
    width = 1
    yield width
    for factor in _WIDTH_FACTORS:
        width *= factor
        yield width
    while True:
        width *= 2
        yield width


class _Run:
    """The bins of one field; NaN is no value.

    Example: bin 0 has the value 1, bin 1 has 3 and 4 and a row without a value. Bin 2 is empty and is left out.

    >>> run = _Run(3)
    >>> run.add(np.array([0, 1], np.uint16), np.array([1.0, 3.0, np.nan, 4.0]), starts=np.array([0, 1]))
    >>> [tuple(bin_) for bin_ in run.bins(first=50)]
    [(50, 1, 1.0, 1.0, 1.0), (51, 2, 3.0, 3.5, 4.0)]
    """

    def __init__(self, bins: int) -> None:
        self._counts = np.zeros(bins, np.int64)
        self._sums = np.zeros(bins)
        self._lows, self._highs = np.full(bins, np.inf), np.full(bins, -np.inf)

    def add(self, bins: NDArray[np.uint16], values: NDArray[np.float64], starts: NDArray[np.int64]) -> None:
        """Add a block of values, sorted by bin.

        Args:
            bins: The number of each bin that has rows in this block, each of them once.
            values: The values of the block.
            starts: The position in `values` at which each bin of `bins` begins.
        """
        is_nan = np.isnan(values)
        self._counts[bins] += np.add.reduceat(~is_nan, starts, dtype=np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            self._sums[bins] += np.add.reduceat(np.where(is_nan, 0.0, values), starts)
        # fmin and fmax ignore NaN, unlike minimum and maximum.
        self._lows[bins] = np.fmin(self._lows[bins], np.fmin.reduceat(values, starts))
        self._highs[bins] = np.fmax(self._highs[bins], np.fmax.reduceat(values, starts))

    def bins(self, first: int) -> list[Bin]:
        """Return the bins that have values, numbered from `first` on.

        The sum of huge values can be infinite or NaN, so a mean is limited to the range of its values.
        """
        bins = np.flatnonzero(self._counts)
        lows, highs, counts = self._lows[bins], self._highs[bins], self._counts[bins]
        means = np.clip(np.nan_to_num(self._sums[bins] / counts), lows, highs)
        columns = (bins + first, counts, lows, means, highs)
        return [Bin(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
