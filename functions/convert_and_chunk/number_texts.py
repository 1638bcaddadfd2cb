"""The texts of a whole array of numbers, formatted at once by orjson."""

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

_WORD = 8
_END_IN_WORD = np.uint64(0x0102030405060708)
"""The number whose product with 256**n has n + 1 as its highest byte, for n from 0 to 7."""


def number_texts(values: NDArray[np.float64] | NDArray[np.int64], end: bytes) -> pa.Array:
    """Return the shortest text of each number that reads back as the same number, followed by `end`, one byte.

    orjson formats the whole array in C. For 1.5, 2.0 and 0.0 it returns

        [1.5,2.0,0.0]      the last value is there only so that a comma follows each of the others
         ^   ^   ^         offsets 1, 5, 9: after the bracket, and after each comma

    The text of value n is the slice from offset n to offset n + 1, so this buffer is the data of the Arrow array.

    >>> number_texts(np.array([1.5, 2.0, 0.0]), b",").to_pylist()
    ['1.5,', '2.0,']
    """
    json = np.frombuffer(orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY), np.uint8)
    offsets = np.empty(len(values), np.int32)
    offsets[0] = len(b"[")
    offsets[1:] = _ends(json, len(values) - 1)
    if end != b",":
        json = json.copy()
        json[offsets[1:] - 1] = ord(end)
    return pa.StringArray.from_buffers(len(values) - 1, pa.py_buffer(offsets), pa.py_buffer(json))


def _ends(json: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """Return the positions after each comma, of which there are `count`.

    Long numbers have more than 8 bytes, so a word of 8 bytes has one comma at most. It is faster to find the words with
    a comma than to look at each byte. If a word has two commas, there are fewer such words than commas.

    Example: the first text has a comma at byte 1 of its second word. As a little-endian number this word of the mask
    is 256**1, and the highest byte of 256**1 * _END_IN_WORD is 2: the comma ends at 8 + 2. The commas of the second
    text are in the same word, so each byte is looked at.

    >>> one, two = np.frombuffer(b"[1234.567,0.0]", np.uint8), np.frombuffer(b"[1.5,2.5,0.0]", np.uint8)
    >>> _ends(one, 1).tolist(), _ends(two, 2).tolist()
    ([10], [5, 9])
    """
    is_comma = np.empty(-(-len(json) // _WORD) * _WORD, bool)
    is_comma[len(json) :] = False
    np.equal(json, ord(","), out=is_comma[: len(json)])
    words = is_comma.view("<u8")
    positions = np.flatnonzero(words != 0)
    if len(positions) < count:
        return np.flatnonzero(is_comma) + 1
    ends = words.take(positions)
    ends *= _END_IN_WORD  # in place, as below: these arrays together fill the cache
    ends >>= np.uint64(56)
    positions *= _WORD
    positions += ends.view(np.int64)
    return positions
