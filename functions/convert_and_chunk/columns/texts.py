"""The values of any column as text, to show or compare them, even if Python has no type for them."""

import pyarrow as pa
from pyarrow import types

from shared.column_types import is_text


def texts(column: pa.Array) -> list[str | None]:
    """Return one text per value; None for null, and for nested values.

    Times are in UTC. Bytes that are not UTF-8 are escaped.
    """
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_nested(column.type):
        return [None] * len(column)
    if is_text(column.type) or types.is_fixed_size_binary(column.type):
        values = column.cast(pa.binary()).to_pylist()
        return [None if value is None else value.decode(errors="backslashreplace") for value in values]
    if types.is_timestamp(column.type):  # via integers, because the time zone of the column may be unknown
        column = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit))
    result: list[str | None] = column.cast(pa.string()).to_pylist()
    return result
