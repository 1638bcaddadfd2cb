"""Columns of Parquet's JSON and UUID become columns of text, which everything else can read."""

import numpy as np
import pyarrow as pa

_HYPHENS = (8, 12, 16, 20)
"""The positions in 32 hexadecimal digits before which the text of a UUID has a hyphen."""

_UUID_CHARACTERS = 36


def plain_columns(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the record batch with text instead of JSON and UUIDs."""
    columns = [plain(column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def plain(column: pa.Array) -> pa.Array:
    """Return JSON and UUIDs as text, and any other column as it is.

    >>> plain(pa.array([bytes(range(16)), None], pa.uuid())).to_pylist()
    ['00010203-0405-0607-0809-0a0b0c0d0e0f', None]
    """
    if isinstance(column, pa.ExtensionArray) and isinstance(column.type, pa.JsonType):
        return column.storage
    return _uuid_texts(column.storage) if isinstance(column.type, pa.UuidType) else column


def _uuid_texts(values: pa.Array) -> pa.Array:
    """Return the text of each UUID.

    Example: the two bytes 0x1f 0x20 are the digits "1f20" as one row of a matrix with a row per value.
    """
    content = values.buffers()[1][16 * values.offset : 16 * (values.offset + len(values))]
    digits = np.frombuffer(content.to_pybytes().hex().encode(), np.uint8).reshape(len(values), 32)
    texts = np.insert(digits, _HYPHENS, ord("-"), axis=1)
    offsets = np.arange(0, _UUID_CHARACTERS * (len(values) + 1), _UUID_CHARACTERS, dtype=np.int32)
    buffers = [values.is_valid().buffers()[1], pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(texts))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)
