"""The statistics that the footer has of some columns, for each row group.

They are read from the bytes of the footer, because Arrow ends the process if a damaged column chunk is asked for its
statistics. `read_statistics` reads those of some columns; `_chunk_statistics` reads those of one column chunk. A
`_Decoder` decodes a minimum or a maximum of numbers, decimals and times; of other types, such as text, only the number
of nulls is read. The names of fields are those of the Parquet format.
"""

import re
import struct
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from shared.parquet_schema import ParquetFooter
from shared.thrift import read_binary, read_integer, read_list, read_struct

MAX_FOOTER_BYTES = 1 << 21
"""The largest footer to read statistics from: this takes up to a microsecond for each byte."""

_WRONG_WRITERS = re.compile(r"parquet-mr version 1\.[0-9]\.|parquet-cpp version")
"""Writers whose statistics cannot be trusted, such as those of PARQUET-251, PARQUET-686 and PARQUET-1246."""

_ROW_GROUPS, _CREATED_BY, _CHUNKS, _CHUNK_METADATA, _PATH, _STATISTICS = 4, 6, 1, 3, 3, 12
_NULL_COUNT, _MAX_VALUE, _MIN_VALUE, _IS_MAX_EXACT, _IS_MIN_EXACT = 3, 5, 6, 7, 8
_TRUE = 1
_TIME_UNITS = {"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}

Bound = float | Decimal
_Decoder = Callable[[bytes], Bound | None]


class Statistics(NamedTuple):
    """The statistics of one column in one row group; None for what the footer does not tell.

    A bound is exact if a value has it.
    """

    minimum: Bound | None
    maximum: Bound | None
    nulls: int | None
    is_minimum_exact: bool
    is_maximum_exact: bool


def read_statistics(
    footer: ParquetFooter, columns: Sequence[str], groups: Collection[int]
) -> dict[int, dict[str, Statistics]]:
    """Return the statistics of these row groups, by column; none if the footer is too large or cannot be parsed."""
    decoders = {name: decoder for name in columns if (decoder := _decoder(footer, name))}
    if not decoders or len(footer.content) > MAX_FOOTER_BYTES:
        return {}
    try:
        fields = _contents(footer.content)
        if _WRONG_WRITERS.match(read_binary(fields.get(_CREATED_BY, b"\0")).decode(errors="replace")):
            return {}
        contents = read_list(fields[_ROW_GROUPS]).items if _ROW_GROUPS in fields else []
        return {group: dict(_group_statistics(contents[group], decoders)) for group in groups}
    except (IndexError, KeyError, ValueError, RecursionError, struct.error):
        return {}


def _decoder(footer: ParquetFooter, name: str) -> _Decoder | None:
    """Return the function that decodes the bounds of a column; None if the column is nested or not unique."""
    leaves = (footer.metadata.schema.column(number) for number in range(footer.metadata.num_columns))
    leaf = next((leaf for leaf in leaves if leaf.path == name), None)
    if leaf is None or footer.schema.names.count(name) != 1:
        return None
    kind = footer.schema.field(name).type
    if types.is_decimal(kind):
        return _decimal_decoder(leaf.physical_type, kind.scale) if leaf.scale == kind.scale else _decode_nothing
    format_ = _number_format(kind, leaf)
    return (lambda content: _decode_number(content, format_)) if format_ else _decode_nothing


def _number_format(kind: pa.DataType, leaf: pq.ColumnSchema) -> str:
    """Return how the bounds of numbers and times are stored, in the words of `struct`; "" if they are not compared."""
    is_integer = types.is_integer(kind) and leaf.logical_type.type in ("INT", "NONE")
    is_date = types.is_date(kind) and leaf.logical_type.type == "DATE"
    is_time = types.is_timestamp(kind) and f'"{_unit_name(kind)}"' in leaf.logical_type.to_json()
    formats = {"INT32": "<i", "INT64": "<q"} if is_integer or is_date or is_time else {}
    if types.is_float32(kind) or types.is_float64(kind):
        formats = {"FLOAT": "<f", "DOUBLE": "<d"}
    format_ = formats.get(leaf.physical_type, "")
    return format_.upper() if types.is_unsigned_integer(kind) else format_


def _unit_name(kind: pa.TimestampType) -> str:
    return next((name for name, unit in _TIME_UNITS.items() if unit == kind.unit), "")


def _group_statistics(group: bytes, decoders: Mapping[str, _Decoder]) -> Iterator[tuple[str, Statistics]]:
    for chunk in read_list(_contents(group)[_CHUNKS]).items:
        metadata = _contents(_contents(chunk)[_CHUNK_METADATA])
        path = ".".join(read_binary(item).decode() for item in read_list(metadata[_PATH]).items)
        if path in decoders and _STATISTICS in metadata:
            yield path, _chunk_statistics(metadata[_STATISTICS], decoders[path])


def _chunk_statistics(content: bytes, decode: _Decoder) -> Statistics:
    fields = {field.number: field for field in read_struct(content)}
    return Statistics(
        minimum=decode(read_binary(fields[_MIN_VALUE].content)) if _MIN_VALUE in fields else None,
        maximum=decode(read_binary(fields[_MAX_VALUE].content)) if _MAX_VALUE in fields else None,
        nulls=read_integer(fields[_NULL_COUNT].content) if _NULL_COUNT in fields else None,
        is_minimum_exact=_IS_MIN_EXACT in fields and fields[_IS_MIN_EXACT].kind == _TRUE,
        is_maximum_exact=_IS_MAX_EXACT in fields and fields[_IS_MAX_EXACT].kind == _TRUE,
    )


def _decode_nothing(_: bytes) -> None:
    """Return no bound, for columns of which only the number of nulls is compared."""


def _decode_number(content: bytes, format_: str) -> float | None:
    r"""Return a number; None for NaN.

    >>> _decode_number(b"\xff\xff\xff\xff", "<i"), _decode_number(b"\0\0\xc0\x7f", "<f")
    (-1, None)
    """
    [value] = struct.unpack(format_, content)
    return None if value != value else value  # noqa: PLR0124 -- NaN differs from itself


def _decimal_decoder(physical_type: str, scale: int) -> _Decoder:
    r"""Return the function that decodes a decimal: an integer, of which the last `scale` digits are decimals.

    >>> _decimal_decoder("INT32", 2)(b"\x7b\0\0\0"), _decimal_decoder("FIXED_LEN_BYTE_ARRAY", 2)(b"\xff\x85")
    (Decimal('1.23'), Decimal('-1.23'))
    """
    byte_order: Literal["little", "big"] = "little" if physical_type in ("INT32", "INT64") else "big"

    def decode(content: bytes) -> Decimal | None:
        if not content:
            return None
        number = int.from_bytes(content, byte_order, signed=True)
        return Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale))

    return decode


def _contents(data: bytes) -> dict[int, bytes]:
    return {field.number: field.content for field in read_struct(data)}
