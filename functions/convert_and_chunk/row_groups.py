"""The rows of one part as record batches that are limited in rows and in bytes.

`PartReader` reads window by window: all rows (`batches`) to convert them, later only some of them (`rows_at`) for the
quarantine and the report. Both call `_batches`, which cuts record batches to the rows of the part, and that calls
the `WindowReader`. `read_rows` leaves out columns that Arrow cannot read: a column that is not converted never fails a
load. Errors of the parser have a name (`parser_errors`).
"""

from collections.abc import Callable, Iterator, Sequence
from io import SEEK_END, IOBase
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.columns.plain import plain_columns
from functions.convert_and_chunk.int96 import COARSE, FINE, finest_unit, int96_leaves, mark_beyond, times_beyond
from functions.convert_and_chunk.parser_errors import parser_errors
from functions.convert_and_chunk.row_selection import rows_between, take_rows
from functions.convert_and_chunk.statistics_check import StatisticsCheck
from functions.convert_and_chunk.text_columns import encode_text
from functions.convert_and_chunk.window_reader import WindowReader
from functions.convert_and_chunk.windows import Window, windows
from shared.errors import CorruptParquetError, UnsupportedParquetError
from shared.events import Part
from shared.parquet_schema import read_parquet_footer, unsupported_type

Result = TypeVar("Result")


class PartReader:
    """The rows of one part, numbered from its first row.

    Text arrives dictionary-encoded, so a value is in memory once, however many rows repeat it. `name` is the name of
    the file in error messages. `unreadable` has the columns that Arrow cannot read, as far as that is clear.
    """

    def __init__(self, source: IOBase, part: Part, name: str) -> None:
        self._rows, self._name = part["rows"], name
        with parser_errors(name):
            footer = read_parquet_footer(source)
            self.schema, self._metadata, self._footer = footer.schema, footer.metadata, footer
            self._windows = windows(footer.metadata, part, source.seek(0, SEEK_END))
            for field in self.schema:
                getattr(field.type, "tz", None)  # Arrow decodes the name of a zone here: raise now if it is damaged
        self._reader = WindowReader(source, footer, name)
        self.unreadable = {field.name for field in self.schema if unsupported_type(field.type)}

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows of the part, in order, with text instead of JSON and UUIDs.

        Raises:
            CorruptParquetError: The file is damaged, or has fewer rows than its footer says.
            UnsupportedParquetError: The file uses a feature of Parquet that Arrow does not implement.
        """
        rows, beyond = 0, self._times_beyond(columns)
        check = StatisticsCheck(self._footer, columns, self._windows, self._name)

        def read(window: Window, columns: Sequence[str], int96_unit: str) -> Iterator[pa.RecordBatch]:
            return check.watch(self._reader.read(window, columns, int96_unit), window)

        for first, batch in self._batches(self._windows, columns, FINE, read):
            rows += batch.num_rows
            positions = {name: rows_between(of_column, first, batch.num_rows) for name, of_column in beyond.items()}
            yield plain_columns(mark_beyond(batch, {name: each - first for name, each in positions.items()}))
        self._check_rows(rows, self._rows)

    def read_rows(
        self, rows: NDArray[np.int64], columns: Sequence[str] | None, use: Callable[[Iterator[pa.RecordBatch]], Result]
    ) -> Result:
        """Return the result of `use`, called with the record batches of `rows`, which must be ascending.

        Columns that Arrow cannot read are left out. This is only clear when they are read, so `use` is called again.
        """
        try:
            return use(self.rows_at(rows, columns))
        except (CorruptParquetError, UnsupportedParquetError):
            names = set(self.schema.names if columns is None else columns) - self.unreadable
            if not (unreadable := {name for name in names if not self._is_readable(rows, name)}):
                raise
            self.unreadable |= unreadable
            return use(self.rows_at(rows, columns))

    def rows_at(self, rows: NDArray[np.int64], columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield only `rows`, which must be ascending. What follows the last one is not read, nor are other windows."""
        every = self.schema.names if columns is None else columns
        names = [name for name in dict.fromkeys(every) if name not in self.unreadable]
        selection = [window for window in self._windows if len(rows_between(rows, window.first, window.rows))]
        rows_read = 0
        for first, batch in self._batches(selection, names, self._unit(selection, names), self._reader.read_to_copy):
            batch_rows = rows_between(rows, first, batch.num_rows)
            if len(batch_rows):
                rows_read += len(batch_rows)
                yield encode_text(take_rows(batch, batch_rows - first))
            if rows_read == len(rows):
                return
        self._check_rows(rows_read, len(rows))

    def _is_readable(self, rows: NDArray[np.int64], name: str) -> bool:
        try:
            for _ in self.rows_at(rows, [name]):
                pass
        except (CorruptParquetError, UnsupportedParquetError):
            return False
        return True

    def _check_rows(self, rows: int, expected: int) -> None:
        if rows != expected:
            raise CorruptParquetError(
                f"{self._name} is damaged: it has {rows} rows, but its footer says {expected}: write it again"
            )

    def _times_beyond(self, columns: Sequence[str]) -> dict[str, NDArray[np.int64]]:
        """Return the rows of each column of INT96 whose times are beyond nanoseconds. Most parts have none."""
        names = [path for path in int96_leaves(self._metadata, columns) if path in columns]
        rows = {name: times_beyond(self._batches(self._windows, [name], COARSE), name) for name in names}
        return {name: beyond for name, beyond in rows.items() if len(beyond)}

    def _unit(self, selection: Sequence[Window], columns: Sequence[str]) -> str:
        """Return the unit in which to copy INT96: the finest one that holds all times in the selected windows."""
        leaves = int96_leaves(self._metadata, columns)
        return finest_unit(batch for _, batch in self._batches(selection, leaves, COARSE)) if leaves else FINE

    def _batches(
        self,
        selection: Sequence[Window],
        columns: Sequence[str],
        int96_unit: str = FINE,
        read: Callable[[Window, Sequence[str], str], Iterator[pa.RecordBatch]] | None = None,
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield record batches with the number of their first row, without rows that belong to other parts.

        Example: a window that begins 2 rows before the part (first is -2), a part of 5 rows, and record batches of 4
        rows. The first batch is cut to its rows 2 and 3, which are the rows 0 and 1 of the part, and the second, which
        begins at row 2, to its first 3 rows.
        """
        for window in selection:
            first = window.first
            for batch in (read or self._reader.read)(window, columns, int96_unit):
                begin, end = max(0, -first), min(batch.num_rows, self._rows - first)
                if begin < end:
                    yield first + begin, batch.slice(begin, end - begin)
                first += batch.num_rows
                pa.default_memory_pool().release_unused()  # decoding leaves up to 40 MiB there
                if first >= self._rows:
                    break
            else:
                self._check_rows(first - window.first, window.rows)
