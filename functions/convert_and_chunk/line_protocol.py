"""Columns to lines of line protocol, by one gather, without a Python loop over rows.

Each line is a row of a few pieces: measurement and tags, two pieces for each field, the timestamp. Each piece is an
entry of a string table, whose texts are rendered once per distinct text, or in one call for all rows. A single `take`
of all tables at all pieces, row after row, writes everything: the data buffer of its result is the body.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_MAX_DECIMALS = 4
_MAX_WHOLE = 1 << 14
"""Numbers below it that have so few decimals are looked up instead of formatted, in a quarter of the time.

The text is the same: so short a decimal is the shortest that reads back as its double.
"""

_SAMPLE = 64
"""About so many values tell which numbers of decimals are worth a try."""


class Body(NamedTuple):
    """Line `n` is `data[starts[n]:starts[n + 1]]`, newline included."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int32]


class Piece(NamedTuple):
    """Of each row `table[entries[row]]`, but nothing of those that are `missing`."""

    table: pa.Array
    entries: NDArray[np.int32]
    missing: NDArray[np.int64] = np.empty(0, np.int64)


def lines(
    prefixes: pa.Array,
    series: NDArray[np.int32],
    fields: Mapping[str, NDArray[np.float64]],
    time: NDArray[np.int64],
    at_once: int,
) -> Iterator[Body]:
    """One line per row, `at_once` to a body, which may take 2 GiB. NaN is no value, and every row has a value.

    Each field ends in a comma, so that none needs to know whether it is the first; a line's last comma becomes the
    space before its timestamp.
    """
    pieces = [_used(prefixes, series)]
    for name, values in fields.items():
        absent = np.isnan(values)
        finite, missing = np.where(absent, 0.0, values), np.flatnonzero(absent)
        pieces += [piece._replace(missing=missing) for piece in _decimal(name, finite) or _number(name, finite)]
    pieces.append(_stamps(time))
    return _gathered(pieces, at_once)


def _gathered(pieces: Sequence[Piece], at_once: int) -> Iterator[Body]:
    """The rows' pieces as lines."""
    table, columns = _joined(pieces)
    width = len(columns)
    for first in range(0, len(columns[0]), at_once):
        rows = np.stack([column[first : first + at_once] for column in columns], axis=1)
        _, offsets, data = pc.take(table, pa.array(rows.reshape(-1)), boundscheck=False).buffers()
        ends = np.frombuffer(offsets, np.int32, rows.size + 1)
        body = Body(np.frombuffer(data, np.uint8, ends[-1]), np.ascontiguousarray(ends[::width]))
        body.data[ends[width - 1 :: width] - 1] = ord(" ")
        yield body


def _joined(pieces: Sequence[Piece]) -> tuple[pa.Array, list[NDArray[np.int32]]]:
    """The pieces' tables as one, that begins with nothing, and the pieces as entries of it."""
    tables, columns, size = [pa.array([""])], [], 1
    for table, entries, missing in pieces:
        column = entries + np.int32(size)
        column[missing] = 0
        columns.append(column)
        tables.append(table)
        size += len(table)
    return pa.concat_arrays(tables), columns


def _used(prefixes: pa.Array, series: NDArray[np.int32]) -> Piece:
    """Only the prefixes that occur, where there are many: the table is copied for every body."""
    if len(prefixes) <= len(series):
        return Piece(prefixes, series)
    used = pa.array(series).dictionary_encode()
    return Piece(prefixes.take(used.dictionary), used.indices.to_numpy())


def _stamps(time: NDArray[np.int64]) -> Piece:
    """Times mostly repeat: in runs where rows are sorted by time, else from series to series."""
    runs = np.append(0, np.flatnonzero(time[1:] != time[:-1]) + 1)
    distinct = pa.array(time[runs]).dictionary_encode()
    entries = np.repeat(distinct.indices.to_numpy(), np.diff(runs, append=len(time)))
    return Piece(_texts(distinct.dictionary.to_numpy(), b"\n"), entries)


def _number(name: str, values: NDArray[np.float64]) -> tuple[Piece, Piece]:
    """`name=`, then any finite number and its comma."""
    rows = np.arange(len(values), dtype=np.int32)
    return Piece(pa.array([f"{name}="]), np.zeros_like(rows)), Piece(_texts(values, b","), rows)


def _decimal(name: str, values: NDArray[np.float64]) -> tuple[Piece, Piece] | None:
    """`name=` and the whole part, then the decimals and the comma; None where a value is not in the tables."""
    magnitudes = np.abs(values)
    sample = magnitudes[:: len(magnitudes) // _SAMPLE + 1]
    if magnitudes.max() >= _MAX_WHOLE or not _has_decimals(sample, _MAX_DECIMALS):
        return None
    fitting = (n for n in range(_MAX_DECIMALS + 1) if _has_decimals(sample, n) and _has_decimals(magnitudes, n))
    if (decimals := next(fitting, None)) is None:
        return None
    shift = np.int32(10**decimals)
    shifted = np.rint(magnitudes * shift).astype(np.int32)
    wholes, negative = shifted // shift, np.signbit(values)
    size = 1 << int(wholes.max()).bit_length()
    parts = shifted - wholes * shift
    if negative.any():
        wholes += negative * np.int32(size)
    return Piece(_whole_texts(name, size), wholes), Piece(_decimal_texts(decimals), parts)


def _has_decimals(magnitudes: NDArray[np.float64], decimals: int) -> bool:
    """Equality proves it: the quotient of two exact integers is rounded once, as the text will be when it is read."""
    return bool((np.rint(magnitudes * 10.0**decimals) / 10.0**decimals == magnitudes).all())


@cache
def _whole_texts(name: str, size: int) -> pa.Array:
    """`name=0`, `name=1` … and from `size` on `name=-0`, `name=-1` …"""
    return pa.array([f"{name}={sign}{whole}" for sign in ("", "-") for whole in range(size)])


@cache
def _decimal_texts(decimals: int) -> pa.Array:
    """`.0,`, `.001,` … without zeros at the end."""
    return pa.array([f".{str(part).zfill(decimals).rstrip('0') or '0'}," for part in range(10**decimals)])


def _texts(values: NDArray[np.float64] | NDArray[np.int64], end: bytes) -> pa.Array:
    """The shortest text of each number that reads back as the same, and `end`: orjson's commas do for it."""
    listed = orjson.dumps(np.append(values, values[:1]), option=orjson.OPT_SERIALIZE_NUMPY)
    if end != b",":
        listed = listed.replace(b",", end)
    offsets = np.empty(len(values) + 1, np.int32)
    offsets[0] = len(b"[")
    np.add(np.flatnonzero(np.frombuffer(listed, np.uint8) == ord(end)), 1, out=offsets[1:], casting="unsafe")
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(listed))
