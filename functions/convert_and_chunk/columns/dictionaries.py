"""Dictionary-encoded columns: whatever can be said of a value is said once per distinct value."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types

_MAX_KEY = 2**62


class Encoded(NamedTuple):
    """Row `n` holds the `codes[n]`-th of `size` values, of which the last is null."""

    dictionary: pa.Array
    codes: NDArray[np.int32]

    @property
    def size(self) -> int:
        """The number of values, with null."""
        return len(self.dictionary) + 1


def encoded(array: pa.Array) -> Encoded:
    """`array`, dictionary-encoded if it is not yet."""
    if not types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = array.indices.cast(pa.int32())
    return Encoded(array.dictionary, (codes.fill_null(len(array.dictionary)) if codes.null_count else codes).to_numpy())


def values(dictionary: pa.Array) -> list[str | None]:
    """The values of a dictionary of text or integers, then None. Bytes that are not UTF-8 become surrogates."""
    if types.is_integer(dictionary.type):
        dictionary = dictionary.cast(pa.string())
    texts = dictionary.cast(pa.binary()).to_pylist()
    return [None if text is None else text.decode(errors="surrogateescape") for text in (*texts, None)]


class Keys(NamedTuple):
    """A number per row, equal where all columns are equal; `lasting` if it depends on the dictionaries alone."""

    keys: pa.Array
    lasting: bool


def combined(columns: Sequence[Encoded], rows: int) -> Keys:
    """One key for several columns."""
    key, count, lasting = np.zeros(rows, np.int64), 1, True
    for column in columns:
        if count * column.size > _MAX_KEY:  # number the combinations so far, to have room again
            key, count, lasting = pa.array(key).dictionary_encode().indices.to_numpy().astype(np.int64), rows, False
        key *= column.size
        key += column.codes
        count *= column.size
    return Keys(pa.array(key), lasting)
