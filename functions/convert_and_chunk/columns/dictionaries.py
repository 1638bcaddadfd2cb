"""Dictionary-encoded columns: distinct values, and for each row the number of its value.

Text is judged and rendered once per distinct value, and rows refer to the result by their code. `encode` gives codes to
any column. `combine` makes one number of the codes of several columns, so that equal combinations can be found.
"""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

_MAX_KEY, _MAX_SHORT_KEY = 2**62, 2**31 - 1


class Encoded(NamedTuple):
    """A column of which row `n` has value number `codes[n]` of `size` values. The last of them is null."""

    dictionary: pa.Array
    codes: NDArray[np.int32]

    @property
    def size(self) -> int:
        """The number of values, including null."""
        return len(self.dictionary) + 1


def encode(array: pa.Array) -> Encoded:
    """Encode a column, if it is not encoded yet, and give null a code of its own.

    >>> column = encode(pa.array(["b", None, "a", "b"]))
    >>> column.dictionary.to_pylist(), column.codes.tolist(), column.size
    (['b', 'a'], [0, 2, 1, 0], 3)
    """
    if not types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = array.indices.cast(pa.int32())
    return Encoded(array.dictionary, (codes.fill_null(len(array.dictionary)) if codes.null_count else codes).to_numpy())


def text_values(dictionary: pa.Array) -> list[str | None]:
    """Return the values of a dictionary of text or integers, then None. Bytes that are not UTF-8 become surrogates."""
    if types.is_integer(dictionary.type):
        dictionary = dictionary.cast(pa.string())
    texts = dictionary.cast(pa.binary()).to_pylist()
    return [None if text is None else text.decode(errors="surrogateescape") for text in (*texts, None)]


class Keys(NamedTuple):
    """One number below `limit` for each row; rows have the same number if they have the same values in all columns.

    `reusable` tells whether the numbers mean the same in the next record batch, if its dictionaries are the same.
    """

    keys: NDArray[np.signedinteger[Any]]
    limit: int
    reusable: bool


def combine(columns: Sequence[Encoded], rows: int) -> Keys:
    """Combine the codes of several columns to one key per row, as digits of a number.

    If the product of the sizes exceeds the limit of 64 bits, the combinations so far are numbered from 0 on, to have
    room again. These numbers depend on the rows of this record batch, so such keys are not reusable. Keys of 32 bits
    are much faster to compute, and usually suffice.

    Example: the first column has 3 values, the second 2, so the key of the codes 1 and 0 is 1 * 2 + 0 = 2.

    >>> region = Encoded(pa.array(["N", "S"]), np.array([0, 1, 0], np.int32))
    >>> source = Encoded(pa.array(["hydro"]), np.array([1, 0, 1], np.int32))
    >>> keys = combine([region, source], rows=3)
    >>> keys.keys.tolist(), keys.limit
    ([1, 2, 1], 6)
    """
    width = np.int32 if prod(column.size for column in columns) <= _MAX_SHORT_KEY else np.int64
    key: NDArray[Any] = np.zeros(rows, width)
    limit, reusable = 1, True
    for column in columns:
        if limit * column.size > _MAX_KEY:
            key, limit, reusable = pa.array(key).dictionary_encode().indices.to_numpy().astype(np.int64), rows, False
        key *= width(column.size)
        key += column.codes
        limit *= column.size
    return Keys(key, limit, reusable)
