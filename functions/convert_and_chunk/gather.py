"""Many texts by one gather, without a Python loop over them.

Each text is a row of a few pieces, and each piece is an entry of one string table. A single `take` of the table at all
pieces, row after row, writes everything: the data buffer of its result holds the texts one behind the other.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_NOTHING = 0
"""Entry 0 of every table is the empty text."""


class Texts(NamedTuple):
    """Text `n` is `data[starts[n]:starts[n + 1]]`, its last piece begins at `last_pieces[n]`. Data is writable."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int32]
    last_pieces: NDArray[np.int32]


class Gather:
    """Texts under construction, piece by piece."""

    def __init__(self) -> None:
        self._tables = [pa.array([""])]
        self._entries = 1
        self._pieces: list[NDArray[np.int32]] = []

    def append(self, table: pa.Array, entries: NDArray[np.int32], missing: NDArray[np.int64] | None = None) -> None:
        """The next piece of every row is `entries[row]` of `table`; nothing in the rows that are `missing`."""
        pieces = entries + np.int32(self._entries)
        if missing is not None:
            pieces[missing] = _NOTHING
        self._pieces.append(pieces)
        self._tables.append(table)
        self._entries += len(table)

    def texts(self, at_once: int) -> Iterator[Texts]:
        """All texts in order, `at_once` of them at a time, which may take 2 GiB. None of them may be empty."""
        table, width = pa.concat_arrays(self._tables), len(self._pieces)
        for first in range(0, len(self._pieces[0]), at_once):
            pieces = np.stack([column[first : first + at_once] for column in self._pieces], axis=1)
            _, offsets, data = pc.take(table, pa.array(pieces.reshape(-1)), boundscheck=False).buffers()
            ends = np.frombuffer(offsets, np.int32, pieces.size + 1)
            starts = np.ascontiguousarray(ends[::width])
            yield Texts(np.frombuffer(data, np.uint8, starts[-1]), starts, ends[width - 1 :: width])
