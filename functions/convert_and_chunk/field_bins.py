"""The bins of one field: count, sum, minimum and maximum of the values in each stretch of time."""

import numpy as np
from numpy.typing import NDArray

from shared.profiles import Bin


class FieldBins:
    """The bins of one field, as many for each group; NaN is no value.

    Example: bin 0 has the value 1, bin 1 has 3 and 4 and a row without a value. Bin 2 is empty and is left out.

    >>> bins = FieldBins(3)
    >>> bins.add(np.array([0, 1], np.uint16), np.array([1.0, 3.0, np.nan, 4.0]), starts=np.array([0, 1]))
    >>> [tuple(bin_) for bin_ in bins.total(first=50)]
    [(50, 1, 1.0, 1.0, 1.0), (51, 2, 3.0, 3.5, 4.0)]
    """

    def __init__(self, bins: int, groups: int = 1) -> None:
        self._counts = np.zeros((groups, bins), np.int64)
        self._sums = np.zeros((groups, bins))
        self._lows, self._highs = np.full((groups, bins), np.inf), np.full((groups, bins), -np.inf)

    def add(self, places: NDArray[np.uint16], values: NDArray[np.float64], starts: NDArray[np.int64]) -> None:
        """Add a block of values, sorted by place.

        Args:
            places: The number of each bin that has rows in this block, each of them once. The bins of the second group
                follow those of the first.
            values: The values of the block.
            starts: The position in `values` at which each of the bins begins.
        """
        is_nan = np.isnan(values)
        self._counts.reshape(-1)[places] += np.add.reduceat(~is_nan, starts, dtype=np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            self._sums.reshape(-1)[places] += np.add.reduceat(np.where(is_nan, 0.0, values), starts)
        lows, highs = self._lows.reshape(-1), self._highs.reshape(-1)
        # fmin and fmax ignore NaN, unlike minimum and maximum.
        lows[places] = np.fmin(lows[places], np.fmin.reduceat(values, starts))
        highs[places] = np.fmax(highs[places], np.fmax.reduceat(values, starts))

    def total(self, first: int) -> list[Bin]:
        """Return the bins that have values, of all groups together, numbered from `first` on."""
        numbers = first + np.arange(self._counts.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            sums = self._sums.sum(axis=0)
        return _bins(numbers, self._counts.sum(axis=0), sums, self._lows.min(axis=0), self._highs.max(axis=0))

    def merged(self, first: int, factor: int) -> list[list[Bin]]:
        """Return the bins of each group that have values, merged so that they are `factor` times as wide.

        Example: with `first` = 5 and `factor` = 3, the bins 5, 6, 7, 8 and 9 become 1, 2 and 3: the first of them is 5
        alone, the second 6 to 8, and the third 9.
        """
        numbers = (first + np.arange(self._counts.shape[1])) // factor
        starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
        counts = np.add.reduceat(self._counts, starts, axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            sums = np.add.reduceat(self._sums, starts, axis=1)
        lows = np.minimum.reduceat(self._lows, starts, axis=1)
        highs = np.maximum.reduceat(self._highs, starts, axis=1)
        columns = zip(counts, sums, lows, highs, strict=True)
        return [_bins(numbers[starts], *arrays) for arrays in columns]


def _bins(
    numbers: NDArray[np.int64],
    counts: NDArray[np.int64],
    sums: NDArray[np.float64],
    lows: NDArray[np.float64],
    highs: NDArray[np.float64],
) -> list[Bin]:
    """Return the bins that have values.

    The sum of huge values can be infinite or NaN, so a mean is limited to the range of its values.
    """
    full = np.flatnonzero(counts)
    means = np.clip(np.nan_to_num(sums[full] / counts[full]), lows[full], highs[full])
    columns = (numbers[full], counts[full], lows[full], means, highs[full])
    return [Bin(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
