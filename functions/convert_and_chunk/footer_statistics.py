"""The statistics that the footer has of numbers and times, for each row group.

They are read from the bytes of the footer, because Arrow ends the process if a damaged column chunk is asked for its
statistics. `read_statistics` reads those of some columns; `_chunk_statistics` reads those of one column chunk, and
`_bound` decodes a minimum or a maximum. The names of fields are those of the Parquet format.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
from pyarrow import types

from shared.parquet_schema import ParquetFooter
from shared.thrift import ThriftField, read_binary, read_integer, read_list, read_struct

MAX_FOOTER_BYTES = 1 << 18
"""The largest footer to read statistics from: this takes a microsecond for each byte."""

_WRONG_WRITERS = re.compile(r"parquet-mr version 1\.[0-9]\.|parquet-cpp version")
"""Writers whose statistics cannot be trusted, such as those of PARQUET-251, PARQUET-686 and PARQUET-1246."""

_ROW_GROUPS, _CREATED_BY, _CHUNKS, _CHUNK_METADATA, _PATH, _STATISTICS = 4, 6, 1, 3, 3, 12
_NULL_COUNT, _MAX_VALUE, _MIN_VALUE, _IS_MAX_EXACT, _IS_MIN_EXACT = 3, 5, 6, 7, 8
_TRUE = 1
_TIME_UNITS = {"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}


class Statistics(NamedTuple):
    """The statistics of one column in one row group; None for what the footer does not tell.

    A bound is exact if a value has it.
    """

    minimum: float | None
    maximum: float | None
    nulls: int | None
    is_minimum_exact: bool
    is_maximum_exact: bool


def read_statistics(footer: ParquetFooter, columns: Sequence[str]) -> list[dict[str, Statistics]]:
    """Return the statistics of each row group, by column; none if the footer is too large or cannot be parsed."""
    formats = {name: format_ for name in columns if (format_ := _bound_format(footer, name))}
    if not formats or len(footer.content) > MAX_FOOTER_BYTES:
        return []
    try:
        fields = _contents(footer.content)
        if _WRONG_WRITERS.match(read_binary(fields.get(_CREATED_BY, b"\0")).decode(errors="replace")):
            return []
        groups = read_list(fields[_ROW_GROUPS]).items if _ROW_GROUPS in fields else []
        return [dict(_group_statistics(group, formats)) for group in groups]
    except (IndexError, KeyError, ValueError, RecursionError, struct.error):
        return []


def _bound_format(footer: ParquetFooter, name: str) -> str:
    """Return how the bounds of a column are stored, in the words of `struct`; "" if they are not compared."""
    leaves = (footer.metadata.schema.column(number) for number in range(footer.metadata.num_columns))
    leaf = next((leaf for leaf in leaves if leaf.path == name), None)
    if leaf is None or footer.schema.names.count(name) != 1:
        return ""
    kind = footer.schema.field(name).type
    is_integer = types.is_integer(kind) and leaf.logical_type.type in ("INT", "NONE")
    is_time = types.is_timestamp(kind) and f'"{_unit_name(kind)}"' in leaf.logical_type.to_json()
    formats = {"INT32": "<i", "INT64": "<q"} if is_integer or is_time else {}
    if types.is_float32(kind) or types.is_float64(kind):
        formats = {"FLOAT": "<f", "DOUBLE": "<d"}
    format_ = formats.get(leaf.physical_type, "")
    return format_.upper() if types.is_unsigned_integer(kind) else format_


def _unit_name(kind: pa.TimestampType) -> str:
    return next((name for name, unit in _TIME_UNITS.items() if unit == kind.unit), "")


def _group_statistics(group: bytes, formats: Mapping[str, str]) -> Iterator[tuple[str, Statistics]]:
    for chunk in read_list(_contents(group)[_CHUNKS]).items:
        metadata = _contents(_contents(chunk)[_CHUNK_METADATA])
        path = ".".join(read_binary(item).decode() for item in read_list(metadata[_PATH]).items)
        if path in formats and _STATISTICS in metadata:
            yield path, _chunk_statistics(metadata[_STATISTICS], formats[path])


def _chunk_statistics(content: bytes, format_: str) -> Statistics:
    fields = {field.number: field for field in read_struct(content)}
    return Statistics(
        minimum=_bound(fields.get(_MIN_VALUE), format_),
        maximum=_bound(fields.get(_MAX_VALUE), format_),
        nulls=read_integer(fields[_NULL_COUNT].content) if _NULL_COUNT in fields else None,
        is_minimum_exact=_IS_MIN_EXACT in fields and fields[_IS_MIN_EXACT].kind == _TRUE,
        is_maximum_exact=_IS_MAX_EXACT in fields and fields[_IS_MAX_EXACT].kind == _TRUE,
    )


def _bound(field: ThriftField | None, format_: str) -> float | None:
    r"""Return a bound; None if the footer does not have it, or if it is NaN.

    >>> _bound(ThriftField(6, 8, b"\x04\xff\xff\xff\xff"), "<i"), _bound(None, "<i")
    (-1, None)
    """
    if field is None:
        return None
    [value] = struct.unpack(format_, read_binary(field.content))
    return None if value != value else value  # noqa: PLR0124 -- NaN differs from itself


def _contents(data: bytes) -> dict[int, bytes]:
    return {field.number: field.content for field in read_struct(data)}
