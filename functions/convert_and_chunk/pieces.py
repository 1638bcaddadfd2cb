"""The pieces of a line: the prefix, each field, and the timestamp of every row, as entries of a table of texts.

Every function here returns a `Piece`, or two for a field; the module `prefixes` makes those of prefixes.
`timestamp_piece` formats a time once for each run of rows that have it. `field_pieces` looks up short decimals, which
most measurements are, in two tables (`decimal_pieces`), and formats each number of any other column (`number_pieces`).
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.number_texts import number_texts

_MAX_DECIMALS = 4
_MAX_WHOLE = 1 << 14
"""The limits of the tables: numbers below 16384 with up to 4 decimals are looked up instead of formatted.

That takes a quarter of the time. The text is the same, since a decimal of so few digits is the shortest text that reads
back as its double.
"""

_FILLER = 1 / 3
"""The number that stands for NaN when a column is formatted: its text is as long as that of most numbers."""

_ONLY_ENTRY, _FIRST_ROW = np.zeros(1, np.int32), np.zeros(1, np.int64)
"""The entries of a table with one text, and the row of the first run of times."""

_FEW_RUNS = 256
"""The number of runs of equal times that are faster to format than to look for equal ones among them."""

_SAMPLE_SIZE = 16
"""The approximate number of values that are examined first, to rule out numbers of decimals."""


class Piece(NamedTuple):
    """One piece of every line: row `n` has `table[entries[n]]`, or nothing if it is one of `missing_rows`.

    A single entry stands for all rows.
    """

    table: pa.Array
    entries: NDArray[np.int32]
    missing_rows: NDArray[np.int64] = np.empty(0, np.int64)


def timestamp_piece(time: NDArray[np.int64]) -> Piece:
    r"""Return the timestamp and the newline of each row.

    Times mostly repeat: in runs of rows if the file is sorted by time, else from series to series. So find the runs,
    which is cheap, and format the time of each run. Only if there are many runs, first find the distinct times among
    them, which takes a hash table.

    Example: the runs of 7, 7, 7, 9, 9, 7 begin at 0, 3 and 5 and have the times 7, 9, 7.

    >>> piece = timestamp_piece(np.array([7, 7, 7, 9, 9, 7]))
    >>> piece.table.to_pylist(), piece.entries.tolist()
    (['7\n', '9\n', '7\n'], [0, 0, 0, 1, 1, 2])
    """
    changes = np.flatnonzero(time[1:] != time[:-1]) + 1
    run_starts = np.concatenate((_FIRST_ROW, changes))
    times, numbers = time[run_starts], np.arange(len(run_starts), dtype=np.int32)
    if len(times) > _FEW_RUNS:
        dictionary = pa.array(times).dictionary_encode()
        times, numbers = dictionary.dictionary.to_numpy(), dictionary.indices.to_numpy()
    lengths = np.concatenate((changes, [len(time)])) - run_starts
    return Piece(number_texts(np.append(times, 0), b"\n"), np.repeat(numbers, lengths))


def field_pieces(name: str, values: NDArray[np.float64], end: bytes) -> tuple[Piece, Piece]:
    """Return the two pieces of a field, the second of which ends in `end`. NaN is no value."""
    missing_rows = np.flatnonzero(np.isnan(values))
    return decimal_pieces(name, values, missing_rows, end) or number_pieces(name, values, missing_rows, end)


def number_pieces(
    name: str, values: NDArray[np.float64], missing_rows: NDArray[np.int64], end: bytes
) -> tuple[Piece, Piece]:
    """Return `name=`, then the number and `end`. Every finite number can be rendered this way.

    The rows that miss the field have NaN, for which a number of usual length is rendered that no line uses.

    >>> values, missing = np.array([1e300, 0.125]), np.empty(0, np.int64)
    >>> name, number = number_pieces("a", values, missing, b",")
    >>> name.table.to_pylist(), name.entries.tolist(), number.table.to_pylist(), number.entries.tolist()
    (['a='], [0], ['1e+300,', '0.125,'], [0, 1])
    """
    numbers = np.append(values, _FILLER)
    numbers[missing_rows] = _FILLER
    name_piece = Piece(_name_text(name), _ONLY_ENTRY, missing_rows)
    return name_piece, Piece(number_texts(numbers, end), _row_numbers(len(values)), missing_rows)


def decimal_pieces(
    name: str, values: NDArray[np.float64], missing_rows: NDArray[np.int64], end: bytes
) -> tuple[Piece, Piece] | None:
    """Return `name=` and the whole number, then the decimals and `end`; or None if the tables lack a value.

    Example: 12.5 and -0.25 have two decimals at most. Their digits are 1250 and 25: the whole numbers 12 and 0 and the
    fractions 50 and 25. The table holds 16 whole numbers, a power of two, then the same with a sign. The sign is an
    entry of its own, since -0 and 0 are equal as numbers.

    >>> whole, fraction = decimal_pieces("a", np.array([12.5, -0.25]), np.empty(0, np.int64), b",")
    >>> whole.entries.tolist(), fraction.entries.tolist()
    ([12, 16], [50, 25])
    >>> [piece.table.take(pa.array(piece.entries)).to_pylist() for piece in (whole, fraction)]
    [['a=12', 'a=-0'], ['.5,', '.25,']]
    """
    if (least := _least_decimals(values)) > _MAX_DECIMALS:
        return None
    magnitudes = np.abs(values)
    magnitudes[missing_rows] = 0.0
    if magnitudes.max() >= _MAX_WHOLE or (scaled := _scale_decimals(magnitudes, least)) is None:
        return None
    decimals, digits = scaled
    scale = np.int32(10**decimals)
    whole, negative = digits // scale, np.signbit(values)
    size = 1 << int(whole.max()).bit_length()
    fraction = digits - whole * scale
    if negative.any():
        whole += negative * np.int32(size)
    whole_piece = Piece(_whole_texts(name, size), whole, missing_rows)
    return whole_piece, Piece(_decimal_texts(decimals, end), fraction, missing_rows)


def _least_decimals(values: NDArray[np.float64]) -> int:
    """Return the most decimal places of any value of a sample, whose rest is not examined once they are too many."""
    least = 0
    for value in values[:: len(values) // _SAMPLE_SIZE + 1].tolist():
        least = max(least, _decimals_of(value))
        if least > _MAX_DECIMALS:
            break
    return least


def _decimals_of(value: float) -> int:
    """Return the number of decimal places, or one more than the tables have if it is larger; 0 for NaN.

    >>> [_decimals_of(value) for value in (12.0, -0.25, 0.1 + 0.2, 1e-5, np.nan)]
    [0, 2, 17, 5, 0]
    """
    text = repr(value)
    fraction = text.partition(".")[2]
    return _MAX_DECIMALS + 1 if "e" in text else len(fraction) * (fraction != "0")


def _scale_decimals(magnitudes: NDArray[np.float64], least: int) -> tuple[int, NDArray[np.int32]] | None:
    """Return how many decimal places all numbers have at most, and the digits of each; or None if it is too many.

    Equality proves it: the quotient of two exact integers is rounded once, and so is the text when it is read.

    >>> decimals, digits = _scale_decimals(np.array([0.5, 2.25]), 0)
    >>> decimals, digits.tolist(), _scale_decimals(np.array([0.1 + 0.2]), 0)
    (2, [50, 225], None)
    """
    for decimals in range(least, _MAX_DECIMALS + 1):
        digits = np.rint(magnitudes * 10.0**decimals)
        if (digits / 10.0**decimals == magnitudes).all():
            return decimals, digits.astype(np.int32)
    return None


@lru_cache(maxsize=2)
def _row_numbers(rows: int) -> NDArray[np.int32]:
    """Return the numbers of all rows of a body. All bodies of a part but the last have the same size."""
    return np.arange(rows, dtype=np.int32)


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
def _decimal_texts(decimals: int, end: bytes) -> pa.Array:
    """Return all fractions with this many digits, without trailing zeros, each followed by `end`.

    >>> _decimal_texts(2, b",").take(pa.array([0, 1, 50])).to_pylist()
    ['.0,', '.01,', '.5,']
    """
    digits = (str(part).zfill(decimals).rstrip("0") or "0" for part in range(10**decimals))
    return pa.array([f".{text}{end.decode()}" for text in digits])
