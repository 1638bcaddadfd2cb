"""Reading the rows of one part: record batches that are bounded in rows and in bytes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import IOBase
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import types

from shared.errors import CorruptParquetError
from shared.events import Part
from shared.schema import is_text

BATCH_ROWS = 65_536
BATCH_BYTES = 32 << 20
"""A record batch has at most so many rows, and by the footer about so many bytes."""

WINDOW_BYTES = 16 << 20
"""Row groups are fetched together up to this size unpacked, in a few large reads; a larger one is streamed.

What columns take packed stands in their metadata, but asking for that of a damaged one ends the process.
"""

STREAM_BYTES = 2 << 20
"""Of each column at a time, where a row group is streamed."""


class Window(NamedTuple):
    """Row groups that are read together. `first` is the row they begin with, counted from the part's first."""

    groups: list[int]
    first: int
    rows: int
    unpacked_bytes: int


def windows(footer: pq.FileMetaData, part: Part) -> list[Window]:
    """The part's row groups, neighbours together. A part may begin inside its first row group."""
    sizes = [footer.row_group(group).num_rows for group in range(part["end_group"])]
    first = sum(sizes[: part["first_group"]]) - part["first_row"]
    found: list[Window] = []
    for group in range(part["first_group"], part["end_group"]):
        unpacked = footer.row_group(group).total_byte_size
        last = found.pop() if found and found[-1].unpacked_bytes + unpacked <= WINDOW_BYTES else Window([], first, 0, 0)
        found.append(
            Window([*last.groups, group], last.first, last.rows + sizes[group], last.unpacked_bytes + unpacked)
        )
        first += sizes[group]
    return found


class PartReader:
    """The rows of one part, counted from its first. `name` is the file's; errors of the source pass as they are.

    Text arrives dictionary-encoded, so that a value costs memory once, however many rows repeat it.
    """

    def __init__(self, source: IOBase, part: Part, name: str) -> None:
        self._rows, self._name = part["rows"], name
        with self._parsing():
            footer = pq.read_metadata(source)
            self.schema = footer.schema.to_arrow_schema()
            self._windows = windows(footer, part)
            self._text = [field.name for field in self.schema if is_text(field.type)]
            self._source, self._options = (
                source,
                {
                    "metadata": footer,
                    "coerce_int96_timestamp_unit": _int96_unit(source, footer, part),
                    "page_checksum_verification": True,
                },
            )
            for field in self.schema:
                getattr(field.type, "tz", None)  # the name of a zone is decoded when it is asked for

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows, in order. Raises CorruptParquetError where the file holds fewer than its footer says."""
        rows = 0
        for _, batch in self._batches(self._windows, columns):
            rows += batch.num_rows
            yield batch
        if rows != self._rows:
            raise CorruptParquetError(f"{self._name}: {rows} rows where the footer has {self._rows}: write it again")

    def rows_at(self, rows: NDArray[np.int64], columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Only `rows`, ascending; windows without any are not read."""
        needed = [window for window in self._windows if len(_between(rows, window.first, window.rows))]
        for first, batch in self._batches(needed, columns):
            here = _between(rows, first, batch.num_rows)
            if len(here):
                yield _taken(batch, here - first)

    def _batches(self, needed: Sequence[Window], columns: Sequence[str] | None) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Record batches with the number of their first row, cut to the part."""
        for window in needed:
            first = window.first
            for batch in self._read(window, columns):
                begin, end = max(0, -first), min(batch.num_rows, self._rows - first)
                if begin < end:
                    yield first + begin, batch.slice(begin, end - begin)
                first += batch.num_rows
                if first >= self._rows:
                    break

    def _read(self, window: Window, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """Arrow makes no dictionaries of text in DELTA encodings, an OSError as damage is: then they are made here."""
        read = 0
        with self._parsing():
            try:
                for batch in self._decoded(window, columns, self._text):
                    _check_indices(batch)
                    read += batch.num_rows
                    yield batch
            except OSError:
                for batch in self._decoded(window, columns, []):
                    if read < batch.num_rows:
                        yield _dictionary_encoded(batch.slice(read))
                    read = max(0, read - batch.num_rows)

    def _decoded(
        self, window: Window, columns: Sequence[str] | None, as_dictionaries: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        fetched = window.unpacked_bytes <= WINDOW_BYTES
        how = {"pre_buffer": True} if fetched else {"pre_buffer": False, "buffer_size": STREAM_BYTES}
        file = pq.ParquetFile(self._source, read_dictionary=as_dictionaries, **how, **self._options)
        fitting = BATCH_BYTES * window.rows // max(1, window.unpacked_bytes)
        yield from file.iter_batches(max(1, min(BATCH_ROWS, fitting)), row_groups=window.groups, columns=columns)

    @contextmanager
    def _parsing(self) -> Iterator[None]:
        """A parser's OSError is damage, not a passing fault."""
        try:
            yield
        except MemoryError:  # Arrow's is an ArrowException too
            raise
        except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
            raise CorruptParquetError(f"{self._name} is damaged ({error}): write it again") from error


def _check_indices(batch: pa.RecordBatch) -> None:
    """Arrow takes the indices into a dictionary as they stand in the file. Raises ArrowInvalid."""
    for column in batch.columns:
        if types.is_dictionary(column.type):
            first, last = pc.min_max(column.indices).as_py().values()
            if first is not None and not 0 <= first <= last < len(column.dictionary):
                raise pa.ArrowInvalid(f"index {last} into a dictionary of {len(column.dictionary)} values")


def _dictionary_encoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Text as Arrow's reader makes it where it can, so that all record batches have one schema."""
    columns = [
        column.cast(pa.string() if "string" in str(column.type) else pa.binary()).dictionary_encode()
        if is_text(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _taken(batch: pa.RecordBatch, places: NDArray[np.int64]) -> pa.RecordBatch:
    """Some rows, one by one where Arrow cannot take from a column: a string_view inside a nested one."""
    try:
        return batch.take(pa.array(places))
    except pa.ArrowNotImplementedError:
        return pa.concat_batches([batch.slice(place, 1) for place in places.tolist()])


def _int96_unit(source: IOBase, footer: pq.FileMetaData, part: Part) -> str:
    """The finest unit that holds all times of INT96 columns: Arrow wraps what does not fit. Seconds hold all."""
    columns = [footer.schema.column(number) for number in range(footer.num_columns)]
    names = [column.path for column in columns if column.physical_type == "INT96"]
    groups = list(range(part["first_group"], part["end_group"]))
    coarse = pq.ParquetFile(source, metadata=footer, coerce_int96_timestamp_unit="s")
    largest = 0
    for batch in coarse.iter_batches(row_groups=groups, columns=names) if names else ():
        for column in batch.columns:
            largest = max(largest, pc.max(pc.abs(column.cast(pa.int64()))).as_py() or 0)
    return next(unit for unit, ticks in (("ns", 10**9), ("us", 10**6), ("ms", 1000)) if largest < 2**63 // ticks)


def _between(rows: NDArray[np.int64], first: int, count: int) -> NDArray[np.int64]:
    """Of ascending row numbers those from `first` on, `count` wide."""
    return rows[slice(*np.searchsorted(rows, (first, first + count)))]
