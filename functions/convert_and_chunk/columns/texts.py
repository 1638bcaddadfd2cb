"""The values of any column as text, to show or compare them, even if Python has no type for them.

`texts` converts most types with one cast. `_nested_texts` renders lists, structs, maps and unions from the texts of
their items, row by row: such columns are only shown, so there are few rows.
"""

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from functions.convert_and_chunk.columns.plain import plain
from shared.column_types import is_text

MAX_ITEMS = 20
"""The number of items of a list or a map to show. The texts are samples, and a list may have millions of items."""

_NULL = "null"


def texts(column: pa.Array) -> list[str | None]:
    """Return one text per value; None for null.

    Times are in UTC. Bytes that are not UTF-8 are escaped.

    >>> texts(pa.array([[1, None], None, []])), texts(pa.array([{"a": "x", "b": 2.5}]))
    (['[1, null]', None, '[]'], ['{a: x, b: 2.5}'])
    """
    column = _without_encoding(plain(column))
    if types.is_nested(column.type):
        return _nested_texts(column)
    if is_text(column.type) or types.is_fixed_size_binary(column.type):
        values = column.cast(pa.binary()).to_pylist()
        return [None if value is None else value.decode(errors="backslashreplace") for value in values]
    if types.is_timestamp(column.type):  # via integers, because the time zone of the column may be unknown
        column = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit))
    try:
        result: list[str | None] = column.cast(pa.string()).to_pylist()
    except pa.ArrowNotImplementedError:  # such as intervals
        return [None if value is None else str(value) for value in column.to_pylist()]
    return result


def _without_encoding(column: pa.Array) -> pa.Array:
    """Return the values without a dictionary, runs, or a type of an extension around them."""
    if isinstance(column, pa.ExtensionArray):
        return _without_encoding(column.storage)
    if types.is_dictionary(column.type):
        return _without_encoding(column.dictionary_decode())
    return _without_encoding(pc.run_end_decode(column)) if types.is_run_end_encoded(column.type) else column


def _nested_texts(column: pa.Array) -> list[str | None]:
    render = (
        _union_text if types.is_union(column.type) else _struct_text if types.is_struct(column.type) else _list_text
    )
    rows = (column.slice(row, 1) for row in range(len(column)))
    return [render(row) if row[0].is_valid else None for row in rows]


def _struct_text(row: pa.Array) -> str:
    """Return the text of an array of one struct."""
    items = [f"{field.name}: {_item(values)}" for field, values in zip(row.type, row.flatten(), strict=True)]
    return f"{{{', '.join(items)}}}"


def _list_text(row: pa.Array) -> str:
    """Return the text of an array of one list or map, whose entries are structs of key and value."""
    values = row[0].values
    end = ", …" if len(values) > MAX_ITEMS else ""
    if types.is_map(row.type):
        keys, items = (texts(part) for part in values.slice(0, MAX_ITEMS).flatten())
        return f"{{{', '.join(f'{key}: {item or _NULL}' for key, item in zip(keys, items, strict=True))}{end}}}"
    return f"[{', '.join(text or _NULL for text in texts(values.slice(0, MAX_ITEMS)))}{end}]"


def _union_text(row: pa.Array) -> str | None:
    """Return the text of an array of one value of a union."""
    value = row[0].value
    return texts(pa.array([value.as_py()], value.type))[0]


def _item(values: pa.Array) -> str:
    return texts(values)[0] or _NULL
