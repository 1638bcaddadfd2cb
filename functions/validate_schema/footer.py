"""The footer of a Parquet file, checked before anything relies on it."""

import struct
from io import SEEK_END, IOBase

import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import CorruptParquetError, EncryptedParquetError, FooterTooLargeError
from shared.parquet_schema import ParquetFooter, read_parquet_footer

MAX_FOOTER_BYTES = 32 << 20
_TAIL_BYTES = 8

_SIGNATURE_BYTES = 28
"""The size of the signature after a plain-text footer, which a file has if its columns are encrypted.

The check looks for it in the sizes, since Arrow terminates the process when asked about such a column.
"""


def read_footer(source: IOBase, name: str) -> ParquetFooter:
    """Return the footer of a Parquet file.

    Args:
        source: The file.
        name: The name of the file, for errors.

    Raises:
        CorruptParquetError: The file is truncated, damaged or in another format.
        EncryptedParquetError: The footer or the columns are encrypted.
        FooterTooLargeError: The footer is larger than `MAX_FOOTER_BYTES`.
    """
    length = _check_tail(source, name)
    try:
        footer = read_parquet_footer(source)
    except (OSError, pa.ArrowException, ValueError) as error:  # the parser's OSError means damage, not a network error
        raise CorruptParquetError(f"{name}: the footer cannot be parsed ({error}): write the file again") from error
    if length - footer.size == _SIGNATURE_BYTES:
        raise EncryptedParquetError(f"{name}: columns are encrypted: write the file without encryption")
    metadata = footer.metadata
    rows = sum(row_group_rows(metadata))
    if rows != metadata.num_rows:
        raise CorruptParquetError(
            f"{name}: the footer counts {metadata.num_rows} rows but its row groups {rows}: write the file again"
        )
    return footer


def row_group_rows(metadata: pq.FileMetaData) -> list[int]:
    """Return the number of rows of each row group."""
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


def _check_tail(source: IOBase, name: str) -> int:
    """Return the size of the footer in bytes, which the last 8 bytes of the file hold in front of the magic bytes.

    A file that is not Parquet fails here, before anything is parsed.
    """
    size = source.seek(0, SEEK_END)
    if size < len(b"PAR1") + _TAIL_BYTES:
        raise CorruptParquetError(f"{name}: {size} bytes are too few for a Parquet file: write the file again")
    source.seek(-_TAIL_BYTES, SEEK_END)
    length, magic = struct.unpack("<I4s", source.read(_TAIL_BYTES))
    if magic == b"PARE":
        raise EncryptedParquetError(f"{name}: the footer is encrypted: write the file without encryption")
    if magic != b"PAR1":
        raise CorruptParquetError(
            f"{name}: it does not end like Parquet, so it is truncated or in another format: write the file again"
        )
    if length > size - _TAIL_BYTES:  # not a large footer, but other bytes that end like Parquet
        raise CorruptParquetError(f"{name}: the footer has {length} bytes but the file {size}: write the file again")
    if length > MAX_FOOTER_BYTES:
        raise FooterTooLargeError(
            f"{name}: the footer has {length} bytes, more than {MAX_FOOTER_BYTES}: write the file with fewer row groups"
        )
    return int(length)
