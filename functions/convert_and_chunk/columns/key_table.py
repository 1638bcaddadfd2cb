"""A table of the keys of tag sets, which is searched instead of a hash table: that would be built for each search."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from functions.convert_and_chunk.verdicts import LINE


class KeyTable(NamedTuple):
    """Keys in ascending order, with the series number of each, and LINE or the verdict on its rows.

    The last key is larger than the key of any row, so that each search ends at a key.

    >>> table = KeyTable().add(np.array([9, 5]), np.array([0, 1], np.int32), np.zeros(2, np.uint16))
    >>> table.keys[:-1].tolist(), table.numbers[:-1].tolist()
    ([5, 9], [1, 0])
    >>> table.search(np.array([9, 7])).tolist()  # 7 is not in the table: the search ends at 9
    [1, 1]
    """

    keys: NDArray[np.int64] = np.full(1, np.iinfo(np.int64).max)
    numbers: NDArray[np.int32] = np.full(1, -1, np.int32)
    verdicts: NDArray[np.uint16] = np.full(1, LINE, np.uint16)

    def search(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the entry of each key, or that of a larger one if the table lacks it."""
        return self.keys.searchsorted(keys)

    def add(self, keys: NDArray[np.int64], numbers: NDArray[np.int32], verdicts: NDArray[np.uint16]) -> "KeyTable":
        """Return a table that also has these keys, which are in any order."""
        all_keys = np.concatenate([keys, self.keys])
        order = np.argsort(all_keys, kind="stable")
        all_numbers, all_verdicts = np.concatenate([numbers, self.numbers]), np.concatenate([verdicts, self.verdicts])
        return KeyTable(all_keys[order], all_numbers[order], all_verdicts[order])
