"""The pieces of a line: the prefix, each field, and the timestamp of every row, as entries of a table of texts.

Every function here returns a `Piece`, or two for a field. `prefix_piece` uses the texts that `columns/series.py`
rendered. `timestamp_piece` formats each distinct time. `decimal_pieces` looks up short decimals, which most
measurements are, in two tables; for any other column of numbers, `number_pieces` formats each number.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

_MAX_DECIMALS = 4
_MAX_WHOLE = 1 << 14
"""The limits of the tables: numbers below 16384 with up to 4 decimals are looked up instead of formatted.

That takes a quarter of the time. The text is the same, since a decimal of so few digits is the shortest text that reads
back as its double.
"""

_FILLER = 1 / 3
"""The number that stands for NaN when a column is formatted: its text is as long as that of most numbers."""

_BYTE_OF_WORD = np.uint64(0x0001020304050607)
"""The number whose product with 256**n has n as its highest byte, for n from 0 to 7."""

_SAMPLE_SIZE = 64
"""The approximate number of values that are examined first, to rule out numbers of decimals."""


class Piece(NamedTuple):
    """One piece of every line: row `n` has `table[entries[n]]`, or nothing if it is one of `missing_rows`.

    A single entry stands for all rows.
    """

    table: pa.Array
    entries: NDArray[np.int32]
    missing_rows: NDArray[np.int64] = np.empty(0, np.int64)


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


def timestamp_piece(time: NDArray[np.int64]) -> Piece:
    r"""Return the timestamp and the newline of each row.

    Times mostly repeat: in runs of rows if the file is sorted by time, else from series to series. So find the runs,
    which is cheap, then the distinct times among the runs, which takes a hash table, and format only those.

    Example: the runs of 7, 7, 7, 9, 9, 7 begin at 0, 3 and 5 and have the times 7, 9, 7, of which 7 and 9 are distinct.

    >>> piece = timestamp_piece(np.array([7, 7, 7, 9, 9, 7]))
    >>> piece.table.to_pylist(), piece.entries.tolist()
    (['7\n', '9\n'], [0, 0, 0, 1, 1, 0])
    """
    run_starts = np.append(0, np.flatnonzero(time[1:] != time[:-1]) + 1)
    dictionary = pa.array(time[run_starts]).dictionary_encode()
    entries = np.repeat(dictionary.indices.to_numpy(), np.diff(run_starts, append=len(time)))
    return Piece(_number_texts(np.append(dictionary.dictionary.to_numpy(), 0), b"\n"), entries)


def number_pieces(name: str, values: NDArray[np.float64]) -> tuple[Piece, Piece]:
    """Return `name=`, then the number and a comma. Every finite number can be rendered this way.

    The rows that miss the field have NaN, for which a number of usual length is rendered that no line uses.

    >>> name, number = number_pieces("a", np.array([1e300, 0.125]))
    >>> name.table.to_pylist(), name.entries.tolist(), number.table.to_pylist(), number.entries.tolist()
    (['a='], [0], ['1e+300,', '0.125,'], [0, 1])
    """
    numbers = np.append(values, _FILLER)
    np.copyto(numbers, _FILLER, where=np.isnan(numbers))
    entries = np.arange(len(values), dtype=np.int32)
    return Piece(_name_text(name), np.zeros(1, np.int32)), Piece(_number_texts(numbers, b","), entries)


def decimal_pieces(name: str, values: NDArray[np.float64]) -> tuple[Piece, Piece] | None:
    """Return `name=` and the whole number, then the decimals and a comma; or None if the tables lack a value.

    Example: 12.5 and -0.25 have two decimals at most. Their digits are 1250 and 25: the whole numbers 12 and 0 and the
    fractions 50 and 25. The table holds 16 whole numbers, a power of two, then the same with a sign. The sign is an
    entry of its own, since -0 and 0 are equal as numbers.

    >>> whole, fraction = decimal_pieces("a", np.array([12.5, -0.25]))
    >>> whole.entries.tolist(), fraction.entries.tolist()
    ([12, 16], [50, 25])
    >>> [piece.table.take(pa.array(piece.entries)).to_pylist() for piece in (whole, fraction)]
    [['a=12', 'a=-0'], ['.5,', '.25,']]
    """
    sample = np.abs(values[:: len(values) // _SAMPLE_SIZE + 1])
    sample = sample[sample < _MAX_WHOLE]
    if not _has_decimals(sample, _MAX_DECIMALS):
        return None
    values = np.where(np.isnan(values), 0.0, values)
    magnitudes = np.abs(values)
    candidates = (n for n in range(_MAX_DECIMALS + 1) if _has_decimals(sample, n) and _has_decimals(magnitudes, n))
    if magnitudes.max() >= _MAX_WHOLE or (decimals := next(candidates, None)) is None:
        return None
    scale = np.int32(10**decimals)
    digits = np.rint(magnitudes * scale).astype(np.int32)
    whole, negative = digits // scale, np.signbit(values)
    size = 1 << int(whole.max()).bit_length()
    fraction = digits - whole * scale
    if negative.any():
        whole += negative * np.int32(size)
    return Piece(_whole_texts(name, size), whole), Piece(_decimal_texts(decimals), fraction)


def _has_decimals(magnitudes: NDArray[np.float64], decimals: int) -> bool:
    """Return whether every number has at most this many decimal places.

    Equality proves it: the quotient of two exact integers is rounded once, and so is the text when it is read.

    >>> _has_decimals(np.array([0.5, 2.25]), 2), _has_decimals(np.array([0.1 + 0.2]), 4)
    (True, False)
    """
    return bool((np.rint(magnitudes * 10.0**decimals) / 10.0**decimals == magnitudes).all())


@cache
def _name_text(name: str) -> pa.Array:
    return pa.array([f"{name}="])


@cache
def _whole_texts(name: str, size: int) -> pa.Array:
    """Return `size` whole numbers from 0 on, then the same with a sign.

    >>> _whole_texts("a", 2).to_pylist()
    ['a=0', 'a=1', 'a=-0', 'a=-1']
    """
    return pa.array([f"{name}={sign}{whole}" for sign in ("", "-") for whole in range(size)])


@cache
def _decimal_texts(decimals: int) -> pa.Array:
    """Return all fractions with this many digits, without trailing zeros.

    >>> _decimal_texts(2).take(pa.array([0, 1, 50])).to_pylist()
    ['.0,', '.01,', '.5,']
    """
    return pa.array([f".{str(part).zfill(decimals).rstrip('0') or '0'}," for part in range(10**decimals)])


def _commas(json: bytes, count: int) -> NDArray[np.int64]:
    """Return the positions of all commas, of which there are `count`.

    Long numbers have more than 8 bytes, so a word of 8 bytes has one comma at most. It is faster to find the words with
    a comma than to look at each byte. If a word has two commas, there are fewer such words than commas.

    Example: the first text has a comma at byte 1 of its second word. As a little-endian number this word of the mask
    is 256**1, and the highest byte of 256**1 * _BYTE_OF_WORD is 1: the position is 8 + 1. The commas of the second text
    are in the same word, so each byte is looked at.

    >>> _commas(b"[1234.567,0.0]", 1).tolist(), _commas(b"[1.5,2.5,0.0]", 2).tolist()
    ([9], [4, 8])
    """
    is_comma = np.zeros(-(-len(json) // 8) * 8, bool)
    np.equal(np.frombuffer(json, np.uint8), ord(","), out=is_comma[: len(json)])
    words = is_comma.view("<u8")
    positions = np.flatnonzero(words != 0)
    if len(positions) < count:
        return np.flatnonzero(is_comma)
    byte_in_word = words[positions] * _BYTE_OF_WORD >> np.uint64(56)
    positions *= 8
    positions += byte_in_word.view(np.int64)
    return positions


def _number_texts(values: NDArray[np.float64] | NDArray[np.int64], end: bytes) -> pa.Array:
    """Return the shortest text of each number that reads back as the same number, followed by `end`.

    orjson formats the whole array in C. For 1.5, 2.0 and 0.0 it returns

        [1.5,2.0,0.0]      the last value is there only so that a comma follows each of the others
         ^   ^   ^         offsets 1, 5, 9: after the bracket, and after each comma

    The text of value n is the slice from offset n to offset n + 1, so this buffer is the data of the Arrow array.

    >>> _number_texts(np.array([1.5, 2.0, 0.0]), b",").to_pylist()
    ['1.5,', '2.0,']
    """
    json = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
    offsets = np.empty(len(values), np.int32)
    offsets[0] = len(b"[")
    np.add(_commas(json, len(values) - 1), 1, out=offsets[1:], casting="unsafe")
    if end != b",":
        json = json.replace(b",", end)
    return pa.StringArray.from_buffers(len(values) - 1, pa.py_buffer(offsets), pa.py_buffer(json))
