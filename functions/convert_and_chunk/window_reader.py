"""The decoding of one window into record batches that are limited in rows and in bytes.

`WindowReader.read` reads columns to convert them, and `read_to_copy` reads columns that are only copied or shown. Both
check what Arrow does not check, and `_decode` calls Arrow.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from io import IOBase

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from functions.convert_and_chunk.int96 import COARSE
from functions.convert_and_chunk.parser_errors import PARSER_ERRORS, parser_errors
from functions.convert_and_chunk.text_columns import check_indices, encode_text
from functions.convert_and_chunk.windows import WINDOW_BYTES, Window
from shared.column_types import is_text
from shared.parquet_schema import ParquetFooter, without_dictionaries

BATCH_ROWS = 65_536
BATCH_BYTES = 32 << 20
"""The limits of a record batch. Its size in bytes is estimated from the footer."""

STREAM_BYTES = 2 << 20
"""The number of bytes to read of each column at a time when a row group is streamed."""

DICTIONARY_BYTES, PIECE_ROWS = 64 << 20, 4096
"""The size of a window, uncompressed, up to which rows are copied with text as dictionaries, and else the rows to read
at a time.
"""


class WindowReader:
    """Reads windows of one file. `name` is the name of the file in error messages."""

    def __init__(self, source: IOBase, footer: ParquetFooter, name: str) -> None:
        self._source, self._schema, self._metadata, self._name = source, footer.schema, footer.metadata, name
        self._text = [field.name for field in footer.schema if is_text(field.type)]

    def read(self, window: Window, columns: Sequence[str], int96_unit: str) -> Iterator[pa.RecordBatch]:
        """Yield the record batches of a window, with text as dictionaries.

        Arrow cannot read text in DELTA encodings as dictionaries: it raises an OSError, as it does for damage. So on an
        OSError read the window again as plain text, skip the rows that were yielded already, and encode them here.
        """
        rows_read = 0
        with parser_errors(self._name, lambda: self._damaged_columns(window, columns)):
            try:
                options = {"metadata": self._metadata, "read_dictionary": self._text}
                for batch in self._decode(window, columns, int96_unit, options, BATCH_ROWS):
                    check_indices(batch)
                    rows_read += batch.num_rows
                    yield batch
            except OSError:
                options = {"metadata": self._plain_metadata}
                for batch in self._decode(window, columns, int96_unit, options, BATCH_ROWS):
                    if rows_read < batch.num_rows:
                        yield encode_text(batch.slice(rows_read))
                    rows_read = max(0, rows_read - batch.num_rows)

    def read_to_copy(self, window: Window, columns: Sequence[str], int96_unit: str) -> Iterator[pa.RecordBatch]:
        """Yield the record batches of a window, with text as dictionaries only if these are small.

        Arrow keeps the dictionaries of a whole row group in memory, however few rows are copied. The columns that are
        converted are tags, which repeat, but the others may have a long text of its own in each row.
        """
        if window.unpacked_bytes <= DICTIONARY_BYTES:
            yield from self.read(window, columns, int96_unit)
            return
        with parser_errors(self._name, lambda: self._damaged_columns(window, columns)):
            options = {"metadata": self._plain_metadata}
            yield from self._decode(window, columns, int96_unit, options, PIECE_ROWS)

    def _damaged_columns(self, window: Window, columns: Sequence[str]) -> list[str]:
        """Return the columns of a window that cannot be read, by reading each of them alone."""
        damaged = []
        for name in columns:
            try:
                for batch in self._decode(window, [name], COARSE, {"metadata": self._plain_metadata}, BATCH_ROWS):
                    check_indices(batch)
            except PARSER_ERRORS:
                damaged.append(name)
        return damaged

    @cached_property
    def _plain_metadata(self) -> pq.FileMetaData:
        """The footer that makes Arrow read no column as dictionaries."""
        has_dictionaries = any(types.is_dictionary(field.type) for field in self._schema)
        return without_dictionaries(self._source) if has_dictionaries else self._metadata

    def _decode(
        self,
        window: Window,
        columns: Sequence[str],
        int96_unit: str,
        options: dict[str, object],
        max_rows: int,
    ) -> Iterator[pa.RecordBatch]:
        prefetch = window.unpacked_bytes <= WINDOW_BYTES
        reading = {"pre_buffer": True} if prefetch else {"pre_buffer": False, "buffer_size": STREAM_BYTES}
        options = {**options, **reading, "coerce_int96_timestamp_unit": int96_unit, "page_checksum_verification": True}
        file = pq.ParquetFile(self._source, **options)
        rows_by_size = BATCH_BYTES * window.rows // max(1, window.unpacked_bytes)
        yield from file.iter_batches(max(1, min(max_rows, rows_by_size)), row_groups=window.groups, columns=columns)
