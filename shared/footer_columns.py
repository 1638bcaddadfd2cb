"""The columns of a Parquet footer, and the same footer with only some of them.

Arrow types every column when it opens a file, and refuses the whole file if it has no type for one of them. It also
prefers the schema that an Arrow writer stores beside Parquet's own. `FooterColumns` writes a footer that leaves out
columns or replaces the stored schema, before Arrow sees it. The names of fields are those of the Parquet format.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.thrift import (
    ThriftField,
    binary_bytes,
    integer_bytes,
    list_bytes,
    read_binary,
    read_integer,
    read_list,
    read_struct,
    struct_bytes,
)

ARROW_SCHEMA = b"ARROW:schema"
"""The key under which Arrow writers store their schema, as base64 of an IPC message."""

_SCHEMA, _NUM_ROWS, _ROW_GROUPS, _KEY_VALUE_METADATA, _COLUMN_ORDERS = 2, 3, 4, 5, 7
_CHUNKS, _SORTING_COLUMNS = 1, 4
_KEY, _VALUE = 1, 2
_TYPE, _TYPE_LENGTH, _NAME, _NUM_CHILDREN, _SCALE, _PRECISION = 1, 2, 4, 5, 7, 8
_BINARY, _STRUCT = 8, 12
_PHYSICAL_TYPES = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")


class FooterColumn(NamedTuple):
    """A column, which may be nested: its name, its elements of the schema, and the numbers of its leaves."""

    name: str
    type: str
    elements: list[bytes]
    leaves: range


class FooterColumns:
    """The columns of a footer.

    Raises:
        ValueError, IndexError, KeyError, RecursionError: The bytes are no footer.
    """

    def __init__(self, footer: bytes) -> None:
        self._fields = {field.number: field for field in read_struct(footer)}
        self._root, *elements = read_list(self._fields[_SCHEMA].content).items
        self.columns = list(_columns(elements))
        self._metadata = [
            {field.number: field for field in read_struct(item)} for item in self._items(_KEY_VALUE_METADATA)
        ]

    @property
    def arrow_schema(self) -> bytes | None:
        """The schema that an Arrow writer stored; None if there is none."""
        for pair in self._metadata:
            if read_binary(pair[_KEY].content) == ARROW_SCHEMA and _VALUE in pair:
                return read_binary(pair[_VALUE].content)
        return None

    def footer(self, numbers: Sequence[int], arrow_schema: bytes | None) -> bytes:
        """Return the footer with the columns of these numbers, and with this schema of Arrow, or none."""
        leaves = [leaf for number in numbers for leaf in self.columns[number].leaves]
        groups = [_select_chunks(group, leaves) for group in self._items(_ROW_GROUPS)]
        return self._replace(numbers, arrow_schema, groups, leaves)

    def empty_footer(self, number: int) -> bytes:
        """Return a footer with one column and no rows. It tells whether Arrow has a type for the column."""
        footer = self._replace([number], None, [], list(self.columns[number].leaves))
        rows = {_NUM_ROWS: integer_bytes(0)}
        return struct_bytes(
            field._replace(content=rows.get(field.number, field.content)) for field in read_struct(footer)
        )

    def _items(self, number: int) -> list[bytes]:
        return read_list(self._fields[number].content).items if number in self._fields else []

    def _replace(
        self, numbers: Sequence[int], arrow_schema: bytes | None, groups: Sequence[bytes], leaves: Sequence[int]
    ) -> bytes:
        schema = [_set(self._root, _NUM_CHILDREN, integer_bytes(len(numbers)))]
        schema += [element for number in numbers for element in self.columns[number].elements]
        orders = self._items(_COLUMN_ORDERS)
        lists = {
            _SCHEMA: schema,
            _ROW_GROUPS: groups,
            _KEY_VALUE_METADATA: list(self._pairs(arrow_schema)),
            _COLUMN_ORDERS: [orders[leaf] for leaf in leaves if leaf < len(orders)],
        }
        return struct_bytes(
            field._replace(content=list_bytes(_STRUCT, lists[field.number])) if field.number in lists else field
            for field in self._fields.values()
        )

    def _pairs(self, arrow_schema: bytes | None) -> Iterator[bytes]:
        """Yield the pairs of keys and values, with this schema of Arrow instead of the stored one."""
        for pair in self._metadata:
            if read_binary(pair[_KEY].content) != ARROW_SCHEMA:
                yield struct_bytes(pair.values())
            elif arrow_schema is not None:
                yield struct_bytes([pair[_KEY], ThriftField(_VALUE, _BINARY, binary_bytes(arrow_schema))])


def _columns(elements: Sequence[bytes]) -> Iterator[FooterColumn]:
    """Yield the columns. In the schema, each element that has children is followed by them."""
    position, leaf = 0, 0
    while position < len(elements):
        first, first_leaf, missing = position, leaf, 1
        while missing:
            element = {field.number: field.content for field in read_struct(elements[position])}
            children = read_integer(element[_NUM_CHILDREN]) if _NUM_CHILDREN in element else 0
            leaf += not children
            missing += children - 1
            position += 1
        name, type_ = _name_and_type(elements[first])
        yield FooterColumn(name, type_, list(elements[first:position]), range(first_leaf, leaf))


def _name_and_type(element: bytes) -> tuple[str, str]:
    """Return the name of a column, and its type in the words of the Parquet format."""
    content = {field.number: field.content for field in read_struct(element)}
    name = read_binary(content[_NAME]).decode(errors="replace")
    if _TYPE not in content:
        return name, "group"
    type_ = _PHYSICAL_TYPES[read_integer(content[_TYPE])]
    if _TYPE_LENGTH in content:
        type_ += f"({read_integer(content[_TYPE_LENGTH])})"
    if _PRECISION in content:
        scale = read_integer(content[_SCALE]) if _SCALE in content else 0
        type_ += f" DECIMAL({read_integer(content[_PRECISION])}, {scale})"
    return name, type_


def _select_chunks(group: bytes, leaves: Sequence[int]) -> bytes:
    """Return a row group with the column chunks of these leaves. The order of its rows would refer to other numbers."""
    fields = [field for field in read_struct(group) if field.number != _SORTING_COLUMNS]
    chunks = {field.number: read_list(field.content) for field in fields if field.number == _CHUNKS}[_CHUNKS]
    content = list_bytes(_STRUCT, [chunks.items[leaf] for leaf in leaves])
    return struct_bytes(field._replace(content=content) if field.number == _CHUNKS else field for field in fields)


def _set(struct: bytes, number: int, content: bytes) -> bytes:
    return struct_bytes(
        field._replace(content=content) if field.number == number else field for field in read_struct(struct)
    )
