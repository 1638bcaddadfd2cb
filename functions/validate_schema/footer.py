"""The Parquet footer: read it without trusting it."""

import struct
from io import SEEK_END, IOBase

import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import CorruptParquetError, EncryptedParquetError, FooterTooLargeError

MAX_FOOTER_BYTES = 32 << 20
_TAIL_BYTES = 8

_SIGNATURE_BYTES = 28
"""A footer in plain text is signed where columns are encrypted. Arrow ends the process when asked about such a one."""


def read_footer(source: IOBase, name: str) -> pq.FileMetaData:
    """The footer of the file called `name` in errors. A parser's OSError means damage, not a passing fault."""
    length = _check_tail(source, name)
    try:
        metadata = pq.read_metadata(pa.PythonFile(source, mode="r"))
    except (OSError, pa.ArrowException, ValueError) as error:
        raise CorruptParquetError(f"{name}: the footer cannot be read ({error}): write the file again") from error
    if length - metadata.serialized_size == _SIGNATURE_BYTES:
        raise EncryptedParquetError(f"{name}: columns are encrypted: write the file without encryption")
    rows = sum(row_group_rows(metadata))
    if rows != metadata.num_rows:
        raise CorruptParquetError(f"{name}: the footer counts {metadata.num_rows} rows, its row groups hold {rows}")
    return metadata


def row_group_rows(metadata: pq.FileMetaData) -> list[int]:
    """Rows of each row group."""
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


def _check_tail(source: IOBase, name: str) -> int:
    """The last 8 bytes hold the footer's length and the magic: enough to refuse without parsing anything."""
    size = source.seek(0, SEEK_END)
    if size < len(b"PAR1") + _TAIL_BYTES:
        raise CorruptParquetError(f"{name}: {size} bytes are too few for a Parquet file: write it again")
    source.seek(-_TAIL_BYTES, SEEK_END)
    length, magic = struct.unpack("<I4s", source.read(_TAIL_BYTES))
    if magic == b"PARE":
        raise EncryptedParquetError(f"{name}: the footer is encrypted: write the file without encryption")
    if magic != b"PAR1":
        raise CorruptParquetError(f"{name}: it does not end as a Parquet file does: truncated, or another format")
    if length > MAX_FOOTER_BYTES:
        raise FooterTooLargeError(
            f"{name}: a footer of {length} bytes (limit {MAX_FOOTER_BYTES}): use fewer row groups"
        )
    if length > size - _TAIL_BYTES:
        raise CorruptParquetError(f"{name}: a footer of {length} bytes in a file of {size}: write the file again")
    return int(length)
