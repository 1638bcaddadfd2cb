"""Files whose footer says what no writer at hand can write."""

import struct

from shared.thrift import ThriftField, integer_bytes, list_bytes, read_binary, read_list, read_struct, struct_bytes

_I32, _STRUCT = 5, 12
_SCHEMA, _NAME, _TYPE_LENGTH, _CONVERTED_TYPE, _SCALE, _PRECISION = 2, 4, 2, 6, 7, 8
_DECIMAL = 5


def as_decimal(content: bytes, column: str, precision: int, scale: int) -> bytes:
    """Declare a column of fixed-length bytes to be decimals of this precision."""
    return _change(content, column, {_CONVERTED_TYPE: _DECIMAL, _SCALE: scale, _PRECISION: precision})


def with_type_length(content: bytes, column: str, length: int) -> bytes:
    """Declare the length of the values of a column."""
    return _change(content, column, {_TYPE_LENGTH: length})


def as_converted_type(content: bytes, column: str, converted_type: int) -> bytes:
    """Declare what the bytes of a column mean, in the numbers of Parquet's ConvertedType."""
    return _change(content, column, {_CONVERTED_TYPE: converted_type})


def _change(content: bytes, column: str, values: dict[int, int]) -> bytes:
    """Set fields of the schema's element of a column."""
    length, magic = struct.unpack("<I4s", content[-8:])
    fields = read_struct(content[-8 - length : -8])
    changed = [
        field._replace(
            content=list_bytes(_STRUCT, [_element(item, column, values) for item in read_list(field.content).items])
        )
        if field.number == _SCHEMA
        else field
        for field in fields
    ]
    footer = struct_bytes(changed)
    return content[: -8 - length] + footer + struct.pack("<I4s", len(footer), magic)


def _element(element: bytes, column: str, values: dict[int, int]) -> bytes:
    fields = {field.number: field for field in read_struct(element)}
    if read_binary(fields[_NAME].content) != column.encode():
        return element
    fields |= {number: ThriftField(number, _I32, integer_bytes(value)) for number, value in values.items()}
    return struct_bytes(fields[number] for number in sorted(fields) if number != 10)
