"""Structs in Thrift's compact protocol, the format of a Parquet footer, without knowledge of their fields.

`read_struct` divides a struct into its fields, and `read_list` a list into its items; both leave the content as bytes.
`struct_bytes` and `list_bytes` are the reverse. `_end` finds where a value ends, and `_varint` reads the numbers of
variable length that everything is made of.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = 1, 2, 3, 7, 8, 9, 10, 11, 12, 13
_FIXED_SIZES = {_BYTE: 1, _DOUBLE: 8, _UUID: 16}
_STOP = b"\0"
_MAX_SHORT = 15
"""A difference of field numbers up to this, and a list of fewer items, fit into the first byte."""


class ThriftField(NamedTuple):
    """One field of a struct. A boolean has no content: its value is its kind."""

    number: int
    kind: int
    content: bytes


class ThriftList(NamedTuple):
    """The items of a list, and their kind."""

    kind: int
    items: list[bytes]


def read_struct(data: bytes) -> list[ThriftField]:
    r"""Return the fields of the struct with which `data` begins.

    Example: field 1 is the integer 3, which is stored as 6, and field 4 the text "ab". The number of a field is stored
    as the difference from the field before, in the upper half of a byte, and its kind is in the lower half.

    >>> read_struct(b"\x15\x06\x38\x02ab\x00")
    [ThriftField(number=1, kind=5, content=b'\x06'), ThriftField(number=4, kind=8, content=b'\x02ab')]

    Raises:
        ValueError: The data is no struct.
        IndexError: The data ends within the struct.
    """
    return _fields(data, 0)[0]


def struct_size(data: bytes) -> int:
    """Return the number of bytes of the struct with which `data` begins."""
    return _fields(data, 0)[1]


def struct_bytes(fields: Iterable[ThriftField]) -> bytes:
    """Return a struct of these fields, whose numbers must be ascending."""
    parts, last = [], 0
    for number, kind, content in fields:
        difference = number - last
        short = 0 < difference <= _MAX_SHORT
        parts += [bytes([difference << 4 | kind]) if short else bytes([kind]) + _varint_bytes(number << 1), content]
        last = number
    return b"".join(parts) + _STOP


def read_list(content: bytes) -> ThriftList:
    r"""Return the items of a list.

    >>> read_list(b"\x28\x01a\x01b")
    ThriftList(kind=8, items=[b'\x01a', b'\x01b'])
    """
    size, kind, position = _list_head(content, 0)
    items = []
    for _ in range(size):
        end = _end(content, position, kind)
        items.append(content[position:end])
        position = end
    return ThriftList(kind, items)


def list_bytes(kind: int, items: Sequence[bytes]) -> bytes:
    """Return a list of these items."""
    size = len(items)
    head = bytes([size << 4 | kind]) if size < _MAX_SHORT else bytes([_MAX_SHORT << 4 | kind]) + _varint_bytes(size)
    return head + b"".join(items)


def read_integer(content: bytes) -> int:
    r"""Return an integer, which is stored with its sign in the lowest bit.

    >>> [read_integer(content) for content in (b"\x06", b"\x01", b"\x80\x01")]
    [3, -1, 64]
    """
    value, _ = _varint(content, 0)
    return value >> 1 ^ -(value & 1)


def integer_bytes(value: int) -> bytes:
    """Return the content of a field of an integer that is not negative."""
    return _varint_bytes(value << 1)


def read_binary(content: bytes) -> bytes:
    """Return the bytes of a text or a binary value, which are preceded by their number."""
    size, position = _varint(content, 0)
    return content[position : position + size]


def binary_bytes(value: bytes) -> bytes:
    """Return the content of a field of text or a binary value."""
    return _varint_bytes(len(value)) + value


def _fields(data: bytes, position: int) -> tuple[list[ThriftField], int]:
    """Return the fields of a struct, and where it ends."""
    fields, number = [], 0
    while head := data[position]:
        position += 1
        if head >> 4:
            number += head >> 4
        else:
            number, position = _varint(data, position)
            number >>= 1
        kind = head & 15
        end = position if kind in {_TRUE, _FALSE} else _end(data, position, kind)
        fields.append(ThriftField(number, kind, data[position:end]))
        position = end
    return fields, position + len(_STOP)


def _end(data: bytes, position: int, kind: int) -> int:
    """Return where the value of this kind ends that begins at `position`."""
    if kind == _STRUCT:
        return _fields(data, position)[1]
    if kind in {_LIST, _SET}:
        size, item_kind, position = _list_head(data, position)
        for _ in range(size):
            position = _end(data, position, item_kind)
        return position
    if kind == _MAP:
        raise ValueError("a Parquet footer has no maps")
    if kind in {_TRUE, _FALSE}:  # an item of a list, which takes a byte
        return position + 1
    if kind in _FIXED_SIZES:
        return position + _FIXED_SIZES[kind]
    value, position = _varint(data, position)
    end = position + value if kind == _BINARY else position
    if end > len(data):
        raise IndexError("the footer ends within a value")
    return end


def _list_head(data: bytes, position: int) -> tuple[int, int, int]:
    """Return the number of items of a list, their kind, and where the first one begins."""
    size, kind = data[position] >> 4, data[position] & 15
    position += 1
    if size == _MAX_SHORT:
        size, position = _varint(data, position)
    return size, kind, position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a number of variable length, whose bytes hold 7 bits each, the lowest first, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 -- the highest bit says that more bytes follow
            return value, position
        shift += 7


def _varint_bytes(value: int) -> bytes:
    parts = []
    while value > 127:  # noqa: PLR2004 -- as in _varint
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
