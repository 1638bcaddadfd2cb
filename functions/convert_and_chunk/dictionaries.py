"""Dictionary-encoded columns: whatever can be said of a value is said once per distinct value."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import types


class Encoded(NamedTuple):
    """Row `n` holds the `codes[n]`-th of `size` values, of which the last is null."""

    dictionary: pa.Array
    codes: NDArray[np.int64]

    @property
    def size(self) -> int:
        """The number of values, with null."""
        return len(self.dictionary) + 1

    def texts(self) -> list[bytes | None]:
        """The values as bytes, which may not be UTF-8, and None."""
        values = self.dictionary
        if types.is_integer(values.type):
            values = values.cast(pa.string())
        return [*values.cast(pa.binary()).to_pylist(), None]


def encoded(array: pa.Array) -> Encoded:
    """`array`, dictionary-encoded if it is not yet."""
    if not types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = array.indices.cast(pa.int64()).fill_null(len(array.dictionary))
    return Encoded(array.dictionary, codes.to_numpy())


def distinct(columns: Sequence[Encoded], rows: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the distinct combinations of values: for each of the `rows` its number, for each number one row."""
    key, count = np.zeros(rows, np.int64), 1
    for column in columns:
        if count * column.size > 2**62:  # number what there is so far, to have room again
            key, count = pa.array(key).dictionary_encode().indices.to_numpy().astype(np.int64), rows
        key, count = key * column.size + column.codes, count * column.size
    numbered = pa.array(key).dictionary_encode()
    numbers: NDArray[np.int32] = numbered.indices.to_numpy()
    samples = np.empty(len(numbered.dictionary), np.int64)
    samples[numbers] = np.arange(rows)
    return numbers, samples
