"""Columns to line protocol by one gather, without a Python loop over rows.

A line is a few small pieces: measurement and tags, then `name=` and number of each field, then the timestamp. Every
piece is an entry of one string table; `take` of the table at the pieces of all lines writes the whole body at once.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NOTHING = 0
"""The table's first entry is the empty piece."""


class Body(NamedTuple):
    """Line `n` is `data[offsets[n]:offsets[n + 1]]`, newline included."""

    data: memoryview
    offsets: NDArray[np.int32]


class _Table:
    """The string table under construction; `add` says where its entries begin."""

    def __init__(self) -> None:
        self._arrays = [pa.array([""])]
        self._size = 1

    def add(self, entries: pa.Array) -> int:
        self._arrays.append(entries)
        self._size += len(entries)
        return self._size - len(entries)

    def take(self, pieces: NDArray[np.int64]) -> pa.Array:
        return pc.take(pa.concat_arrays(self._arrays), pa.array(pieces.ravel()), boundscheck=False)


def lines(
    prefixes: pa.Array, series: NDArray[np.int32], fields: Mapping[str, NDArray[np.float64]], time: NDArray[np.int64]
) -> Body:
    """One line per row. NaN is no value; every row has at least one, and a body stays below 2 GiB.

    Every field ends in a comma, so the byte before a timestamp is a comma too many: it becomes the space.
    """
    table = _Table()
    pieces = [series + np.int32(table.add(prefixes))]
    for name, values in fields.items():
        present = ~np.isnan(values)
        numbers = np.arange(len(values)) + table.add(_numbers(values))
        pieces += [np.where(present, table.add(pa.array([f"{name}="])), NOTHING), np.where(present, numbers, NOTHING)]
    times = pa.array(time).dictionary_encode()
    pieces.append(times.indices.to_numpy() + np.int32(table.add(_stamps(times.dictionary))))
    _, offsets, data = table.take(np.stack(pieces, axis=1)).buffers()
    ends = np.frombuffer(offsets, np.int32, len(series) * len(pieces) + 1)
    np.frombuffer(data, np.uint8)[ends[len(pieces) - 1 :: len(pieces)] - 1] = ord(" ")
    return Body(memoryview(data), ends[:: len(pieces)])


def _stamps(times: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(times.cast(pa.string()), "\n", "")


def _numbers(values: NDArray[np.float64]) -> pa.Array:
    """Shortest texts that read back as the same double, each with a comma: orjson's own separators are ours."""
    text = orjson.dumps(np.append(values, 0.0), option=orjson.OPT_SERIALIZE_NUMPY)
    commas = np.flatnonzero(np.frombuffer(text, np.uint8) == ord(","))
    offsets = np.concatenate(([1], commas + 1)).astype(np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(text))
