"""The numbering of series: equal prefixes get one number, in time that is linear in the number of prefixes.

Finding new prefixes among those of all record batches before would take a hash table of all of them for each record
batch, and so the square of their number. So `add` only collects prefixes, under provisional numbers, and `_merge_equal`
finds equal ones when as many have been collected as there are different ones. That also bounds the memory.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_COLLECTED = 65_536
"""The number of prefixes to collect at least before equal ones are merged."""


class SeriesNumbers:
    """The different prefixes of a part. `prefixes[number]` is the prefix of a series.

    >>> series = SeriesNumbers()
    >>> series.add(pa.array(["m,a=1 ", "m,a=2 "])).tolist(), series.add(pa.array(["m,a=2 ", "m,a=3 "])).tolist()
    ([0, 1], [2, 3])
    >>> series.settle(np.array([3, 2, 1, 0], np.int32)).tolist()
    [2, 1, 1, 0]
    >>> series.prefixes.to_pylist()
    ['m,a=1 ', 'm,a=2 ', 'm,a=3 ']
    """

    def __init__(self) -> None:
        self.prefixes = pa.array([], pa.string())
        self._collected: list[pa.Array] = []
        self._numbers = np.empty(0, np.int32)  # the number of each provisional number whose prefix is merged
        self._count = 0

    def add(self, prefixes: pa.Array) -> NDArray[np.int32]:
        """Return a provisional number for each prefix."""
        first = self._count
        self._count += len(prefixes)
        self._collected.append(prefixes)
        if self._count - len(self._numbers) > max(_COLLECTED, len(self.prefixes)):
            self._merge_equal()
        return np.arange(first, self._count, dtype=np.int32)

    def settle(self, series: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the numbers of the series with these provisional numbers, once all prefixes are added."""
        self._merge_equal()
        return series if len(self.prefixes) == self._count else self._numbers[series]

    def _merge_equal(self) -> None:
        """Give each collected prefix its number.

        `dictionary_encode` numbers texts in the order in which they first occur. The prefixes that have a number come
        first, so they keep it.
        """
        merged = pa.concat_arrays([self.prefixes, *self._collected]).dictionary_encode()
        numbers = merged.indices.to_numpy()[len(self.prefixes) :]
        self.prefixes, self._numbers = merged.dictionary, np.append(self._numbers, numbers)
        self._collected.clear()
