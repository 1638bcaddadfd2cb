"""One table of many texts, in buffers that are reused for every body.

New memory is expensive: the kernel clears each page before the first write to it. And the largest table of a body, that
of the prefixes, is mostly the same as in the body before, so it need not be copied again.

Arrow's `take` reserves memory for texts of the table's mean size. The prefixes of a line are long, and rare in a table
of numbers, or frequent in a table without, so that would be too little or too much, and Arrow would copy the whole body
to other memory in the end. So the table ends in texts that no line uses: its mean size becomes that of the last body.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import TypeVar
from weakref import ref

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Item = TypeVar("Item", bound=np.generic)


class TextTable:
    """Arrow string tables joined to one table. Text `n` is `data[offsets[n]:offsets[n + 1]]`.

    Example: the tables ["m "] and ["a=0", "a=1"] begin at entries 0 and 1 of the joined table.

    >>> joined, prefixes = TextTable(), pa.array(["m "])
    >>> table, firsts = joined.join([prefixes, pa.array(["a=0", "a=1"])])
    >>> table.to_pylist(), firsts
    (['m ', 'a=0', 'a=1'], [0, 1])
    >>> joined.join([prefixes, pa.array(["b=2"])])[0].to_pylist()  # "m " is in place already
    ['m ', 'b=2']

    Attributes:
        mean_bytes: The mean size of the texts of the last body in bytes, 0 before the first body.
    """

    def __init__(self) -> None:
        # Weak references: the numbers of the last body are freed before the next ones are formatted, which then reuse
        # memory that is still in the cache of the processor.
        self._tables: list[ref[pa.Array]] = []
        self._ends = [(0, 0)]  # entries and bytes before the first table, and after each table
        self._offsets, self._data = np.zeros(1, np.int32), np.empty(0, np.uint8)
        self.mean_bytes = 0.0

    def join(self, tables: Sequence[pa.Array]) -> tuple[pa.Array, list[int]]:
        """Return the joined table, which is valid until the next call, and the entry at which each table begins.

        The first tables are not copied if they are the same objects as in the call before.
        """
        same = len(list(takewhile(lambda pair: pair[0]() is pair[1], zip(self._tables, tables, strict=False))))
        del self._tables[same:], self._ends[same + 1 :]
        for table in tables[same:]:
            self._append(table)
        entries = self._pad() if self.mean_bytes else self._ends[-1][0]
        buffers = [None, pa.py_buffer(self._offsets), pa.py_buffer(self._data)]
        return pa.Array.from_buffers(pa.string(), entries, buffers), [entry for entry, _ in self._ends[:-1]]

    def _pad(self) -> int:
        """Add texts that no line uses: all are empty but the last. Return the number of all entries.

        Example: 2 texts have 20 bytes together, and a mean of 4 is wanted: 5 entries, of which 3 are empty. If the mean
        is 12, a third text of 16 bytes makes it 36 bytes for 3 entries.

        >>> table = TextTable()
        >>> for table.mean_bytes in (4, 12):
        ...     padded, _ = table.join([pa.array(["0123456789", "0123456789"])])
        ...     np.frombuffer(padded.buffers()[1], np.int32)[: len(padded) + 1].tolist()
        [0, 10, 20, 20, 20, 20]
        [0, 10, 20, 36]
        """
        entries, size = self._ends[-1]
        all_entries = max(entries + 1, int(size / self.mean_bytes))
        end = max(size, int(all_entries * self.mean_bytes))
        self._offsets, self._data = _with_room(self._offsets, all_entries + 1), _with_room(self._data, end)
        self._offsets[entries + 1 : all_entries] = size
        self._offsets[all_entries] = end
        return all_entries

    def _append(self, table: pa.Array) -> None:
        entries, size = self._ends[-1]
        _, offset_buffer, data = table.buffers()
        offsets = np.frombuffer(offset_buffer, np.int32, len(table) + 1, offset=4 * table.offset)
        first, last = int(offsets[0]), int(offsets[-1])
        end = entries + len(table), size + last - first
        self._offsets, self._data = _with_room(self._offsets, end[0] + 1), _with_room(self._data, end[1])
        np.add(offsets[1:], size - first, out=self._offsets[entries + 1 : end[0] + 1])
        if last > first:
            self._data[size : end[1]] = np.frombuffer(data, np.uint8, last - first, offset=first)
        self._tables.append(ref(table))
        self._ends.append(end)


def _with_room(buffer: NDArray[Item], size: int) -> NDArray[Item]:
    """Return the buffer, or a larger copy if it has less than `size` items."""
    if size <= len(buffer):
        return buffer
    larger = np.empty(size * 3 // 2, buffer.dtype)
    larger[: len(buffer)] = buffer
    return larger
