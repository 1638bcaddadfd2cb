"""The values of any column as text, to be shown or compared: also those that Python has no object for."""

import pyarrow as pa
from pyarrow import types

from shared.schema import is_text


def texts(column: pa.Array) -> list[str | None]:
    """One text per value. Times are in UTC, bytes that are no UTF-8 are escaped, nested values are not shown."""
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_nested(column.type):
        return [None] * len(column)
    if is_text(column.type) or types.is_fixed_size_binary(column.type):
        values = column.cast(pa.binary()).to_pylist()
        return [None if value is None else value.decode(errors="backslashreplace") for value in values]
    if types.is_timestamp(column.type):  # by way of integers: the zone of a column may be one that nobody knows
        column = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit))
    shown: list[str | None] = column.cast(pa.string()).to_pylist()
    return shown
