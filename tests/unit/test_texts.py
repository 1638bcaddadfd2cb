"""Every value can be shown as text, even one that Python has no object for."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from functions.convert_and_chunk.columns.texts import texts


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pa.array(["a", None, "é"]), ["a", None, "é"]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pa.array(["a"], pa.string_view()), ["a"]),
        (pa.array([b"a\xff"]), [r"a\xff"]),
        (pa.array([b"\xff\x00"], pa.binary(2)), ["\\xff\0"]),
        (pa.array([1, 2]).dictionary_encode(), ["1", "2"]),
        (pa.array([1.5, None], pa.float16()), ["1.5", None]),
        (pa.array([True]), ["true"]),
        (pa.nulls(2), [None, None]),
        (pa.array([[1, None], None, list(range(30))]), ["[1, null]", None, f"[{', '.join(map(str, range(20)))}, …]"]),
        (pa.array([["a"]], pa.large_list(pa.string_view())), ["[a]"]),
        (pa.array([["a"], None], pa.list_view(pa.string())), ["[a]", None]),
        (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), ["[1, 2]", None]),
        (pa.array([[{"a": 1, "b": None}]]), ["[{a: 1, b: null}]"]),
        (pa.array([{"a": {"b": b"\xff"}}, None]), [r"{a: {b: \xff}}", None]),
        (pa.array([[("k", 1), ("l", None)]], pa.map_(pa.string(), pa.int8())), ["{k: 1, l: null}"]),
        (pa.array([[datetime(2024, 1, 1, tzinfo=UTC)]]), ["[2024-01-01 00:00:00.000000]"]),
        (pa.array([bytes(range(16)), None], pa.uuid()), ["00010203-0405-0607-0809-0a0b0c0d0e0f", None]),
        (pa.array(['{"a": 1}', None], pa.json_()), ['{"a": 1}', None]),
        (pa.ExtensionArray.from_storage(pa.opaque(pa.binary(), "t", "v"), pa.array([b"x"])), ["x"]),
        (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())), ["1"]),
        (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]), ["a", "a", None]),
        (pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]), ["1", "b"]),
        (
            pa.UnionArray.from_dense(
                pa.array([1], pa.int8()), pa.array([0], pa.int32()), [pa.array([1]), pa.array([[2]])]
            ),
            ["[2]"],
        ),
        (
            pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
            ["MonthDayNano(months=1, days=2, nanoseconds=3)", None],
        ),
        (pa.array([Decimal("1.5"), None], pa.decimal256(76, 2)), ["1.50", None]),
        (pa.array([5], pa.duration("s")), ["5"]),
        (pa.array([2**40], pa.date64()), ["2004-11-03"]),
        (pa.array([1], pa.timestamp("ns", "Mars/Olympus")), ["1970-01-01 00:00:00.000000001"]),
        (pa.array([2**62], pa.timestamp("s")), ["<value out of range: 4611686018427387904>"]),
        (pa.array([1], pa.time64("us")), ["00:00:00.000001"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_a_value_is_shown(column: pa.Array, shown: list[str | None]) -> None:
    assert texts(column) == shown
