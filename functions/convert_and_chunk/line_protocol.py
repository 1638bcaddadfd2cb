"""Columns to lines of line protocol.

A line is gathered from pieces: measurement and tags, then two pieces for each field, then the timestamp. Their tables
are rendered once per distinct text, or in one call for all rows.
"""

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.gather import Gather, Texts

_MAX_DECIMALS = 4
_MAX_WHOLE = 1 << 14
"""Numbers below it that have so few decimals are looked up instead of formatted, in a quarter of the time.

The text is the same: so short a decimal is the shortest that reads back as its double.
"""

_SAMPLE = 64
"""About so many values tell which numbers of decimals are worth a try."""

Piece = tuple[pa.Array, NDArray[np.int32]]


def lines(
    prefixes: pa.Array,
    series: NDArray[np.int32],
    fields: Mapping[str, NDArray[np.float64]],
    time: NDArray[np.int64],
    at_once: int,
) -> Iterator[Texts]:
    """One line per row, newline included, `at_once` to a body. NaN is no value, and every row has at least one value.

    Each field ends in a comma, so that none needs to know whether it is the first; a line's last comma becomes the
    space before its timestamp.
    """
    gather = Gather()
    gather.append(*_used(prefixes, series))
    for name, values in fields.items():
        absent = np.isnan(values)
        finite, missing = np.where(absent, 0.0, values), np.flatnonzero(absent)
        for table, entries in _decimal(name, finite) or _number(name, finite):
            gather.append(table, entries, missing)
    gather.append(*_stamps(time))
    for body in gather.texts(at_once):
        body.data[body.last_pieces - 1] = ord(" ")
        yield body


def _used(prefixes: pa.Array, series: NDArray[np.int32]) -> Piece:
    """Only the prefixes that occur, where there are many: the table is copied for every body."""
    if len(prefixes) <= len(series):
        return prefixes, series
    used = pa.array(series).dictionary_encode()
    return prefixes.take(used.dictionary), used.indices.to_numpy()


def _stamps(time: NDArray[np.int64]) -> Piece:
    """Times mostly repeat: in runs where rows are sorted by time, else from series to series."""
    runs = np.append(0, np.flatnonzero(time[1:] != time[:-1]) + 1)
    distinct = pa.array(time[runs]).dictionary_encode()
    entries = np.repeat(distinct.indices.to_numpy(), np.diff(runs, append=len(time)))
    return _texts(distinct.dictionary.to_numpy(), b"\n"), entries


def _number(name: str, values: NDArray[np.float64]) -> tuple[Piece, Piece]:
    """`name=`, then any finite number and its comma."""
    rows = len(values)
    return (pa.array([f"{name}="]), np.zeros(rows, np.int32)), (_texts(values, b","), np.arange(rows, dtype=np.int32))


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
    return (_whole_texts(name, size), wholes), (_decimal_texts(decimals), parts)


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
