"""Many texts by one gather, without a Python loop over them.

Each text is a row of a few pieces, and each piece is an entry of one string table. A single `take` of the table at all
pieces, row after row, writes everything: the data buffer of its result holds the texts one behind the other.
"""

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
    """`rows` texts of `width` pieces each, less than 2 GiB together."""

    def __init__(self, rows: int, width: int) -> None:
        self._pieces = np.empty((rows, width), np.int32)
        self._tables = [pa.array([""])]
        self._entries, self._filled = 1, 0

    def append(self, table: pa.Array, entries: NDArray[np.int32], missing: NDArray[np.int64] | None = None) -> None:
        """The next piece of every row is `entries[row]` of `table`; nothing in the rows that are `missing`."""
        column = self._pieces[:, self._filled]
        np.add(entries, np.int32(self._entries), out=column)
        if missing is not None:
            column[missing] = _NOTHING
        self._tables.append(table)
        self._entries += len(table)
        self._filled += 1

    def texts(self) -> Texts:
        """All texts, of which none may be empty."""
        rows, width = self._pieces.shape
        table = pa.concat_arrays(self._tables)
        taken = pc.take(table, pa.array(self._pieces.reshape(-1)), boundscheck=False)
        _, offsets, data = taken.buffers()
        offsets = np.frombuffer(offsets, np.int32, rows * width + 1)
        starts = np.ascontiguousarray(offsets[::width])
        return Texts(np.frombuffer(data, np.uint8, starts[-1]), starts, offsets[width - 1 :: width])
