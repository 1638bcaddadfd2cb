"""The rows of one part as record batches that are limited in rows and in bytes.

`PartReader` reads window by window: all rows (`batches`) to convert them, later only some of them (`rows_at`) for the
quarantine and the report. Both call `_batches`, which cuts record batches to the rows of the part, and that calls
`_read`, which decodes a window, checks what Arrow does not check, and reads text as plain text if Arrow cannot read it
as dictionaries. `_translate_errors` raises CorruptParquetError for every error of the parser; errors of the source (S3)
pass unchanged, since `shared/source.py` has named them already.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import IOBase

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.windows import WINDOW_BYTES, Window, windows
from shared.column_types import is_text
from shared.errors import CorruptParquetError
from shared.events import Part

BATCH_ROWS = 65_536
BATCH_BYTES = 32 << 20
"""The limits of a record batch. Its size in bytes is estimated from the footer."""

STREAM_BYTES = 2 << 20
"""The number of bytes to read of each column at a time when a row group is streamed."""


class PartReader:
    """The rows of one part, numbered from its first row.

    Text arrives dictionary-encoded, so a value is in memory once, however many rows repeat it. `name` is the name of
    the file in error messages.
    """

    def __init__(self, source: IOBase, part: Part, name: str) -> None:
        self._rows, self._name = part["rows"], name
        with self._translate_errors():
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
                getattr(field.type, "tz", None)  # Arrow decodes the name of a zone here: raise now if it is damaged

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows of the part, in order.

        Raises:
            CorruptParquetError: The file is damaged, or has fewer rows than its footer says.
        """
        rows = 0
        for _, batch in self._batches(self._windows, columns):
            rows += batch.num_rows
            yield batch
        if rows != self._rows:
            raise CorruptParquetError(
                f"{self._name} is damaged: it has {rows} rows, but its footer says {self._rows}: write it again"
            )

    def rows_at(self, rows: NDArray[np.int64], columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield only `rows`, which must be ascending. Windows without any of them are not read."""
        selection = [window for window in self._windows if len(_rows_between(rows, window.first, window.rows))]
        for first, batch in self._batches(selection, columns):
            batch_rows = _rows_between(rows, first, batch.num_rows)
            if len(batch_rows):
                yield _take_rows(batch, batch_rows - first)

    def _batches(
        self, selection: Sequence[Window], columns: Sequence[str] | None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield record batches with the number of their first row, without rows that belong to other parts.

        Example: a window that begins 2 rows before the part (first is -2), a part of 5 rows, and record batches of 4
        rows. The first batch is cut to its rows 2 and 3, which are the rows 0 and 1 of the part, and the second, which
        begins at row 2, to its first 3 rows.
        """
        for window in selection:
            first = window.first
            for batch in self._read(window, columns):
                begin, end = max(0, -first), min(batch.num_rows, self._rows - first)
                if begin < end:
                    yield first + begin, batch.slice(begin, end - begin)
                first += batch.num_rows
                pa.default_memory_pool().release_unused()  # decoding leaves up to 40 MiB there
                if first >= self._rows:
                    break

    def _read(self, window: Window, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """Yield the record batches of a window, with text as dictionaries.

        Arrow cannot read text in DELTA encodings as dictionaries: it raises an OSError, as it does for damage. So on an
        OSError read the window again as plain text, skip the rows that were yielded already, and encode them here.
        """
        rows_read = 0
        with self._translate_errors():
            try:
                for batch in self._decode(window, columns, self._text):
                    _check_indices(batch)
                    rows_read += batch.num_rows
                    yield batch
            except OSError:
                for batch in self._decode(window, columns, []):
                    if rows_read < batch.num_rows:
                        yield _encode_text(batch.slice(rows_read))
                    rows_read = max(0, rows_read - batch.num_rows)

    def _decode(
        self, window: Window, columns: Sequence[str] | None, as_dictionaries: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        prefetch = window.unpacked_bytes <= WINDOW_BYTES
        reading = {"pre_buffer": True} if prefetch else {"pre_buffer": False, "buffer_size": STREAM_BYTES}
        file = pq.ParquetFile(self._source, read_dictionary=as_dictionaries, **reading, **self._options)
        rows_by_size = BATCH_BYTES * window.rows // max(1, window.unpacked_bytes)
        yield from file.iter_batches(max(1, min(BATCH_ROWS, rows_by_size)), row_groups=window.groups, columns=columns)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise CorruptParquetError for what the parser raises.

        An OSError of the parser means that the file is damaged, so a retry would not help.
        """
        try:
            yield
        except MemoryError:  # Arrow's is an ArrowException too
            raise
        except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
            raise CorruptParquetError(f"{self._name} is damaged ({error}): write it again") from error


def _check_indices(batch: pa.RecordBatch) -> None:
    """Raise ArrowInvalid if an index is outside its dictionary. Arrow uses the indices of a file without a check."""
    for column in batch.columns:
        if types.is_dictionary(column.type):
            first, last = pc.min_max(column.indices).as_py().values()
            if first is not None and not 0 <= first <= last < len(column.dictionary):
                raise pa.ArrowInvalid(f"index {last} into a dictionary of {len(column.dictionary)} values")


def _encode_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Encode text as dictionaries of the types that Arrow's reader uses, so that all batches have the same schema."""
    columns = [
        column.cast(pa.string() if "string" in str(column.type) else pa.binary()).dictionary_encode()
        if is_text(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _take_rows(batch: pa.RecordBatch, positions: NDArray[np.int64]) -> pa.RecordBatch:
    """Return the rows at `positions`, one by one if Arrow cannot take from a column (nested string_view)."""
    try:
        return batch.take(pa.array(positions))
    except pa.ArrowNotImplementedError:
        return pa.concat_batches([batch.slice(position, 1) for position in positions.tolist()])


def _int96_unit(source: IOBase, footer: pq.FileMetaData, part: Part) -> str:
    """Return the finest unit in which all times of the part's INT96 columns fit into 64 bits.

    By default Arrow reads INT96 as nanoseconds, and times that do not fit wrap around to other times. So
    read these columns in seconds first, in which every time fits.

    Example: the year 9999 is 253,402,300,799 s. Times 10**9 that exceeds 2**63, times 10**6 it does not: microseconds.
    """
    columns = [footer.schema.column(number) for number in range(footer.num_columns)]
    names = [column.path for column in columns if column.physical_type == "INT96"]
    groups = list(range(part["first_group"], part["end_group"]))
    coarse = pq.ParquetFile(source, metadata=footer, coerce_int96_timestamp_unit="s")
    largest = 0
    for batch in coarse.iter_batches(row_groups=groups, columns=names) if names else ():
        for column in batch.columns:
            largest = max(largest, pc.max(pc.abs(column.cast(pa.int64()))).as_py() or 0)
    return next(unit for unit, ticks in (("ns", 10**9), ("us", 10**6), ("ms", 1000)) if largest < 2**63 // ticks)


def _rows_between(rows: NDArray[np.int64], first: int, count: int) -> NDArray[np.int64]:
    """Return those of `rows`, which are ascending, that are in the `count` rows from `first` on.

    >>> _rows_between(np.array([1, 5, 7, 8]), first=5, count=3).tolist()
    [5, 7]
    """
    return rows[slice(*np.searchsorted(rows, (first, first + count)))]
