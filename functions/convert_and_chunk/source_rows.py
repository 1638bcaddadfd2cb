"""Reading the rows of one part: record batches that are bounded in rows and in bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase

import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import CorruptParquetError
from shared.events import Part
from shared.schema import is_text

BATCH_ROWS = 65_536
BATCH_BYTES = 64 << 20
"""A record batch holds at most so many rows, and about so many bytes."""


@contextmanager
def corruption(name: str) -> Iterator[None]:
    """A parser's OSError is damage, not a passing fault. `name` is the file's."""
    try:
        yield
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CorruptParquetError(f"{name} is damaged: {error}: write the file again") from error


def open_parquet(source: RawIOBase) -> pq.ParquetFile:
    """Text columns stay dictionary-encoded, so a value costs memory once however many rows repeat it."""
    schema = pq.ParquetFile(source).schema_arrow
    text = [field.name for field in schema if is_text(field.type)]
    return pq.ParquetFile(
        source,
        read_dictionary=text,
        pre_buffer=True,
        page_checksum_verification=True,
        coerce_int96_timestamp_unit="us",
    )


def record_batches(file: pq.ParquetFile, part: Part, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of `part` in order."""
    groups = range(part["first_group"], part["end_group"])
    sizes = [file.metadata.row_group(group).total_byte_size for group in groups]
    rows = max(1, min(BATCH_ROWS, BATCH_BYTES * part["rows"] // max(1, sum(sizes))))
    for group in groups:
        yield from file.iter_batches(rows, row_groups=[group], columns=columns)
