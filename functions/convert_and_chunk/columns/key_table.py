"""Tables from the keys of tag sets to series numbers. A `KeyTable` is one of two kinds, which `key_table` chooses.

`DirectTable` has an entry for each possible key. If the values of all tags together allow too many keys for that,
`SortedTable` has only those that occur, and is searched. Neither builds a hash table of all keys for each search.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MAX_KEYS_PER_ROW = 16
"""How many keys may be possible for each row of a record batch, for a table with an entry for each of them.

The table is cleared for new dictionaries, which may come with each record batch. Clearing 16 entries takes 2 ns.
"""

NEW = -1
"""The number of a key that the table lacks."""

KeyArray = NDArray[np.signedinteger[Any]]


class DirectTable:
    """The series number of each key from 0 on, and LINE or the verdict on its rows.

    >>> table = DirectTable(10)
    >>> table.add(np.array([9, 5]), np.array([0, 1], np.int32), np.array([0, 3], np.uint16))
    >>> table.numbers(np.array([5, 5, 7, 9])).tolist(), table.verdicts(np.array([5, 9])).tolist()
    ([1, 1, -1, 0], [3, 0])
    """

    def __init__(self, keys: int) -> None:
        self._numbers, self._verdicts = np.full(keys, NEW, np.int32), np.zeros(keys, np.uint16)
        self.has_verdicts = False

    def numbers(self, keys: KeyArray) -> NDArray[np.int32]:
        """Return the series number of each key, or NEW."""
        return self._numbers.take(keys)

    def verdicts(self, keys: KeyArray) -> NDArray[np.uint16]:
        """Return the verdict on each key, which the table must have."""
        return self._verdicts[keys]

    def add(self, keys: KeyArray, numbers: NDArray[np.int32], verdicts: NDArray[np.uint16]) -> None:
        """Add distinct keys, in any order."""
        self._numbers[keys], self._verdicts[keys] = numbers, verdicts
        self.has_verdicts = self.has_verdicts or bool(verdicts.any())


class SortedTable:
    """Keys in ascending order, with the series number of each, and LINE or the verdict on its rows.

    The last key is larger than the key of any row, so that each search ends at a key.

    >>> table = SortedTable()
    >>> table.add(np.array([9, 5]), np.array([0, 1], np.int32), np.array([0, 3], np.uint16))
    >>> table.numbers(np.array([5, 5, 7, 9])).tolist(), table.verdicts(np.array([5, 9])).tolist()
    ([1, 1, -1, 0], [3, 0])
    """

    def __init__(self) -> None:
        self._keys = np.full(1, np.iinfo(np.int64).max)
        self._numbers, self._verdicts = np.full(1, NEW, np.int32), np.zeros(1, np.uint16)
        self.has_verdicts = False

    def numbers(self, keys: KeyArray) -> NDArray[np.int32]:
        """Return the series number of each key, or NEW."""
        distinct, key_of_row = _distinct(keys)
        entries = self._keys.searchsorted(distinct)  # a key that the table lacks ends at a larger one
        numbers: NDArray[np.int32] = np.where(self._keys[entries] == distinct, self._numbers[entries], np.int32(NEW))
        return numbers[key_of_row]

    def verdicts(self, keys: KeyArray) -> NDArray[np.uint16]:
        """Return the verdict on each key, which the table must have."""
        distinct, key_of_row = _distinct(keys)
        return self._verdicts[self._keys.searchsorted(distinct)][key_of_row]

    def add(self, keys: KeyArray, numbers: NDArray[np.int32], verdicts: NDArray[np.uint16]) -> None:
        """Add distinct keys, in any order."""
        all_keys = np.concatenate([keys, self._keys])
        order = np.argsort(all_keys, kind="stable")
        self._keys = all_keys[order]
        self._numbers = np.concatenate([numbers, self._numbers])[order]
        self._verdicts = np.concatenate([verdicts, self._verdicts])[order]
        self.has_verdicts = self.has_verdicts or bool(verdicts.any())


KeyTable = DirectTable | SortedTable


def key_table(keys: int, rows: int) -> KeyTable:
    """Return an empty table for record batches of about `rows` rows and this number of possible keys."""
    return DirectTable(keys) if keys <= MAX_KEYS_PER_ROW * rows else SortedTable()


def _distinct(keys: KeyArray) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the distinct keys in the order in which they occur, and the position of each row's key among them.

    >>> [array.tolist() for array in _distinct(np.array([5, 7, 5, 9]))]
    [[5, 7, 9], [0, 1, 0, 2]]
    """
    encoded = pa.array(keys).dictionary_encode()
    return encoded.dictionary.to_numpy(), encoded.indices.to_numpy()
