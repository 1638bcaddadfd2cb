"""Every kind of column that a writer may write: its Arrow type, and what its values mean as a tag, a number, or a time.

The meanings are written down here by hand or computed with Python's own numbers: none of them comes from the converter.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

SECOND = 10**9
START = 1_704_067_200 * SECOND
"""2024-01-01T00:00:00Z in nanoseconds."""

Meanings = Sequence[tuple[Any, Any]]
"""Pairs of a value and what it means: the text of a tag, a number, or nanoseconds. None is no value. A number or a text
that begins with "!" is the rule that sets the row aside.
"""


class Kind(NamedTuple):
    """A kind of column. Without meanings for a use, the loader has to refuse the column for that use by name."""

    type: pa.DataType
    tags: Meanings = ()
    numbers: Meanings = ()
    times: Meanings = ()
    others: Sequence[Any] = ()

    @property
    def values(self) -> list[Any]:
        """All values of the kind."""
        return [*(value for pairs in (self.tags, self.numbers, self.times) for value, _ in pairs), *self.others]


def array(kind: pa.DataType, values: Iterable[Any]) -> pa.Array:
    """Return an array, also of an extension type that Arrow does not convert values to."""
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType | pa.JsonType):
        return pa.ExtensionArray.from_storage(kind, pa.array(list(values), kind.storage_type))
    return pa.array(list(values), kind)


_TAGS = [
    ("N", "N"),
    ("São Paulo", "São Paulo"),
    (" a b,c=d ", "a b,c=d"),
    ("", None),
    ("-", None),
    ("a\nb", "!unusable_tag"),
]
_NUMBERS = [("1.5", 1.5), (" 2 ", 2.0), ("-1e3", -1000.0), ("NaN", None), ("x", "!not_a_number"), ("", None),
            ("9007199254740993", "!integer_too_large")]  # fmt: skip
_TIMES = [("2024-01-01T00:00:00Z", START), ("2024-01-01 00:00:01", START + SECOND),
          ("2024-01-01T00:00:02-03:00", START + 10_802 * SECOND), ("now", "!unreadable_timestamp")]  # fmt: skip


def _text(kind: pa.DataType) -> Kind:
    return Kind(kind, _TAGS, _NUMBERS, _TIMES)


def _binary(kind: pa.DataType) -> Kind:
    encoded = [[(value.encode(), meaning) for value, meaning in pairs] for pairs in (_TAGS, _NUMBERS, _TIMES)]
    return Kind(kind, encoded[0] + [(b"\xff", "!unusable_tag")], encoded[1], encoded[2])


def _integer(kind: pa.DataType, *values: int) -> Kind:
    numbers = [(value, float(value) if abs(value) <= 2**53 else "!integer_too_large") for value in values]
    return Kind(kind, [(value, str(value)) for value in values], numbers)


def _decimal(kind: pa.DataType, *values: str) -> Kind:
    return Kind(kind, numbers=[(Decimal(value), float(Decimal(value))) for value in values])


def _timestamp(unit: str, zone: str | None, *ticks: int) -> Kind:
    scale = {"s": SECOND, "ms": 10**6, "us": 1000, "ns": 1}[unit]
    times = [(tick, tick * scale) for tick in (START // scale, *(START // scale + tick for tick in ticks))]
    return Kind(pa.timestamp(unit, zone), times=[*times, (1000, "!implausible_time")])


_DATES = [(date(2024, 1, 2), START + 86_400 * SECOND), (date(1970, 1, 2), "!implausible_time")]
_INSTANT = datetime(2024, 1, 1, tzinfo=UTC)

KINDS = {
    **{str(kind): _text(kind) for kind in (pa.string(), pa.large_string(), pa.string_view())},
    **{str(kind): _binary(kind) for kind in (pa.binary(), pa.large_binary(), pa.binary_view())},
    "categories": _text(pa.dictionary(pa.int8(), pa.string())),
    "large categories": _text(pa.dictionary(pa.int32(), pa.large_string())),
    "json": Kind(pa.json_(), [('{"a": 1}', '{"a": 1}'), ("1", "1")], [("1.5", 1.5)], _TIMES[:1]),
    "int8": _integer(pa.int8(), 1, -128),
    "int16": _integer(pa.int16(), 1, -300),
    "int32": _integer(pa.int32(), 0, 70_000),
    "int64": _integer(pa.int64(), -1, 2**53, 2**53 + 1),
    "uint8": _integer(pa.uint8(), 1, 255),
    "uint16": _integer(pa.uint16(), 65_535),
    "uint32": _integer(pa.uint32(), 2**32 - 1),
    "uint64": _integer(pa.uint64(), 1, 2**64 - 1),
    "float16": Kind(pa.float16(), numbers=[(np.float16(0.1), float(np.float16(0.1))), (np.float16("nan"), None)]),
    "float32": Kind(pa.float32(), numbers=[(0.1, float(np.float32(0.1))), (float("inf"), None)]),
    "float64": Kind(pa.float64(), numbers=[(0.1, 0.1), (-0.0, -0.0), (1e-300, 1e-300), (float("nan"), None)]),
    "decimal128": _decimal(pa.decimal128(9, 2), "1.25", "-1234567.89"),
    "long decimal128": _decimal(pa.decimal128(38, 20), "0.10000000000000000001"),
    "decimal256": _decimal(pa.decimal256(60, 30), "0.3", "-1.000000000000000000000000000001"),
    "timestamp s": _timestamp("s", None, 1)._replace(tags=[(2, "2")], numbers=[(2, 2.0)]),
    "timestamp ms": _timestamp("ms", None, 1),
    "timestamp us": _timestamp("us", None, 1),
    "timestamp ns": _timestamp("ns", None, 123_456_000),
    "timestamp utc": _timestamp("us", "UTC", 123_456),
    "timestamp zoned": _timestamp("ms", "America/Sao_Paulo", 123),
    "date32": Kind(pa.date32(), times=_DATES),
    "date64": Kind(pa.date64(), [(date(1970, 1, 2), "86400000")], [(date(1970, 1, 2), 86_400_000.0)], _DATES),
    "uuid": Kind(pa.uuid(), [(bytes([200]) * 16, "c8c8c8c8-c8c8-c8c8-c8c8-c8c8c8c8c8c8")]),
    "fixed-size binary": Kind(pa.binary(4), [(b"abcd", "abcd")], [(b" 1.5", 1.5)]),
    "null": Kind(pa.null(), [(None, None)], [(None, None)], [(None, None)]),
    "boolean": Kind(pa.bool_(), others=[True, False]),
    "bool8": Kind(pa.bool8(), [(1, "1")], [(1, 1.0)]),
    "opaque": Kind(pa.opaque(pa.int32(), "t", "v"), [(1, "1")], [(1, 1.0)]),
    "time32": Kind(pa.time32("ms"), others=[time(1, 2, 3)]),
    "time64 us": Kind(pa.time64("us"), others=[time(1, 2, 3, 4)]),
    "time64 ns": Kind(pa.time64("ns"), others=[1000]),
    "duration": Kind(pa.duration("us"), [(5, "5")], [(5, 5.0)]),
    "list": Kind(pa.list_(pa.int16()), others=[[1, None], []]),
    "list of text": Kind(pa.list_(pa.string()), others=[["a", "é", None], []]),
    "list of views": Kind(pa.list_view(pa.string_view()), others=[["a"], []]),
    "large list": Kind(pa.large_list(pa.float64()), others=[[1.5], []]),
    "fixed-size list": Kind(pa.list_(pa.int8(), 2), others=[[1, 2]]),
    "list of lists": Kind(pa.list_(pa.list_(pa.int8())), others=[[[1], [], None], []]),
    "list of times": Kind(pa.list_(pa.timestamp("ns")), others=[[START // 1000 * 1000, None], []]),
    "list of structs": Kind(pa.list_(pa.struct([("a", pa.int8()), ("b", pa.string())])), others=[[{"a": 1}], []]),
    "list of zoned times": Kind(pa.list_(pa.timestamp("us", "UTC")), others=[[_INSTANT], []]),
    "struct": Kind(pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))]), others=[{"a": None, "b": ["x"]}]),
    "struct of times": Kind(pa.struct([("a", pa.timestamp("ns"))]), others=[{"a": START}]),
    "map": Kind(pa.map_(pa.string(), pa.int8()), others=[[("k", 1)], []]),
    "map of maps": Kind(pa.map_(pa.string(), pa.map_(pa.string(), pa.binary())), others=[[("k", [("l", b"\xff")])]]),
}  # fmt: skip
