"""The first piece of a line: its prefix, which the name of its first field may follow."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from functions.convert_and_chunk.pieces import Piece

MAX_NAMED_BYTES = 4 << 20
"""The largest size of prefixes to copy with a name after them: the table of a body copies them once more."""


class Prefixes:
    """The prefixes of all series, which `columns/series.py` rendered. The tables are made once for all bodies.

    A field whose numbers are formatted begins with its name, the same text in each row. If it is the first field, the
    prefix and the name become one piece, so there is one text less to copy for each line.

    >>> prefixes = Prefixes(pa.array(["m,t=x ", "m,t=y "]))
    >>> name = Piece(pa.array(["a="]), np.zeros(1, np.int32), missing_rows=np.array([2]))
    >>> [piece] = prefixes.join(np.array([0, 1, 1], np.int32), name)
    >>> piece.table.take(pa.array(piece.entries)).to_pylist()
    ['m,t=x a=', 'm,t=y a=', 'm,t=y ']
    """

    def __init__(self, texts: pa.Array) -> None:
        self._texts = texts
        self._can_be_named = texts.nbytes <= MAX_NAMED_BYTES
        self._with_name: dict[str, pa.Array] = {}

    def join(self, series: NDArray[np.int32], first: Piece) -> list[Piece]:
        """Return the prefix of each row, and the first piece of its fields: two pieces, or one if that is a name."""
        if len(first.table) > 1 or len(self._texts) > len(series) or not self._can_be_named:
            return [prefix_piece(self._texts, series), first]
        [name] = first.table.to_pylist()
        if name not in self._with_name:
            named = pc.binary_join_element_wise(self._texts, name, "")  # the last argument is the separator
            self._with_name[name] = pa.concat_arrays([named, self._texts])
        entries = series.copy()
        entries[first.missing_rows] += np.int32(len(self._texts))
        return [Piece(self._with_name[name], entries)]


def prefix_piece(prefixes: pa.Array, series: NDArray[np.int32]) -> Piece:
    """Return the prefix of each row.

    If there are more series than rows, the table gets only those that occur: `render_lines` copies it.

    >>> piece = prefix_piece(pa.array([f"m,t={number} " for number in range(1000)]), np.array([998, 5, 998], np.int32))
    >>> piece.table.to_pylist(), piece.entries.tolist()
    (['m,t=998 ', 'm,t=5 '], [0, 1, 0])
    """
    if len(prefixes) <= len(series):
        return Piece(prefixes, series)
    dictionary = pa.array(series).dictionary_encode()
    return Piece(prefixes.take(dictionary.dictionary), dictionary.indices.to_numpy())
