"""The footer of a Parquet file, and the one schema by which its columns are checked and read.

`read_parquet_footer` reads it. Arrow refuses a file if it has no type for one of its columns, so `_without_untyped`
leaves such columns out of the footer. They stay in the schema as types that nothing accepts (`unsupported_type`), so
that a column that the dataset does not need cannot fail a load. `without_dictionaries` is for columns that Arrow cannot
read as the dictionaries that the file's stored schema asks for.
"""

import base64
import struct
from collections.abc import Callable
from io import SEEK_END, IOBase
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from shared.footer_columns import FooterColumns
from shared.thrift import struct_size

_MAGIC = b"PAR1"
_TAIL = struct.Struct("<I4s")
"""The end of a file: the length of the footer, and the magic bytes."""

_FIRST_READ_BYTES = 65_536
"""The bytes to read from the end of a file: enough for most footers."""

_VENDOR = "Parquet"


class ParquetFooter(NamedTuple):
    """A footer.

    Attributes:
        metadata: the footer as Arrow reads it, without the columns that Arrow has no type for.
        schema: the columns of the file, all of them.
        size: the number of bytes that the footer has in the file.
        content: the bytes of the footer.
    """

    metadata: pq.FileMetaData
    schema: pa.Schema
    size: int
    content: bytes


def read_parquet_footer(source: IOBase) -> ParquetFooter:
    """Return the footer of a file.

    Raises:
        OSError, pa.ArrowException, ValueError: It cannot be parsed, or the source cannot be read.
    """
    content = _read_content(source)
    try:
        metadata = _parse(content)
    except (OSError, pa.ArrowException, ValueError) as error:
        return _without_untyped(content, error)
    return ParquetFooter(metadata, _schema(metadata), metadata.serialized_size, content)


def unsupported_type(kind: pa.DataType) -> str:
    """Return the type of a column that Arrow has no type for, in the words of the Parquet format; "" for any other."""
    is_unsupported = (
        isinstance(kind, pa.OpaqueType) and kind.vendor_name == _VENDOR and types.is_null(kind.storage_type)
    )
    return str(kind.type_name) if is_unsupported else ""


def without_dictionaries(source: IOBase) -> pq.FileMetaData:
    """Return the footer of a file with a stored schema that asks for no column to be a dictionary.

    Raises:
        OSError, pa.ArrowException, ValueError: As `read_parquet_footer`.
    """
    return _replace_schema(_read_content(source), _plain).metadata


def _read_content(source: IOBase) -> bytes:
    """Return the bytes of the footer, in one read if it is short."""
    size = source.seek(0, SEEK_END)
    source.seek(-min(size, _FIRST_READ_BYTES), SEEK_END)
    end = source.read(_FIRST_READ_BYTES)
    length, magic = _TAIL.unpack(end[-_TAIL.size :].rjust(_TAIL.size))
    if magic != _MAGIC or length + _TAIL.size > size:
        raise ValueError("it does not end with a Parquet footer")
    missing = length + _TAIL.size - len(end)
    if missing > 0:
        source.seek(-len(end) - missing, SEEK_END)
        end = source.read(missing) + end
    return bytes(end[-length - _TAIL.size : -_TAIL.size])


def _parse(content: bytes) -> pq.FileMetaData:
    return pq.read_metadata(pa.BufferReader(_MAGIC + content + _TAIL.pack(len(content), _MAGIC)))


def _without_untyped(content: bytes, error: Exception) -> ParquetFooter:
    """Parse a footer that Arrow refuses without the columns that it has no type for. If there are none, raise `error`.

    The stored schema of Arrow may be what Arrow has no type for, so it is left out then.
    """
    try:
        return _replace_schema(content, lambda kind: kind)
    except (OSError, pa.ArrowException, ValueError):
        raise error from None


def _replace_schema(content: bytes, replace: Callable[[pa.DataType], pa.DataType]) -> ParquetFooter:
    """Parse a footer without untyped columns, and with other types in the stored schema of Arrow."""
    try:
        columns = FooterColumns(content)
        supported = [number for number in range(len(columns.columns)) if _is_supported(columns, number)]
        metadata = _parse(columns.footer(supported, _stored_schema(columns, supported, replace)))
    except (IndexError, KeyError, RecursionError) as error:
        raise ValueError(f"the footer cannot be parsed ({error!r})") from error
    schema = _schema(metadata)
    for number, column in enumerate(columns.columns):
        if number not in supported:
            schema = schema.insert(number, pa.field(column.name, pa.opaque(pa.null(), column.type, _VENDOR)))
    return ParquetFooter(metadata, schema, struct_size(content), content)


def _is_supported(columns: FooterColumns, number: int) -> bool:
    try:
        _parse(columns.empty_footer(number))
    except (OSError, pa.ArrowException, ValueError):
        return False
    return True


def _stored_schema(
    columns: FooterColumns, numbers: list[int], replace: Callable[[pa.DataType], pa.DataType]
) -> bytes | None:
    """Return the stored schema of Arrow for these columns with types replaced, or None if it cannot be read."""
    stored = columns.arrow_schema
    if stored is None:
        return None
    try:
        schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(stored)))
        fields = [schema.field(number) for number in numbers]
    except (OSError, pa.ArrowException, ValueError, IndexError):
        return None
    fields = [field.with_type(replace(field.type)) for field in fields]
    return base64.b64encode(pa.schema(fields, schema.metadata).serialize())


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if types.is_dictionary(kind) else kind


def _schema(metadata: pq.FileMetaData) -> pa.Schema:
    """Return the schema of what Arrow reads, in which BSON, which Arrow reads as binary, has a type of its own."""
    schema = pq.ParquetFile(pa.BufferReader(b""), metadata=metadata).schema_arrow
    leaves = (metadata.schema.column(number) for number in range(metadata.num_columns))
    for name in [leaf.path for leaf in leaves if leaf.logical_type.type == "BSON"]:
        if schema.names.count(name) == 1 and types.is_binary(schema.field(name).type):
            number = schema.names.index(name)
            schema = schema.set(number, schema.field(number).with_type(pa.opaque(pa.binary(), "BSON", _VENDOR)))
    return schema
