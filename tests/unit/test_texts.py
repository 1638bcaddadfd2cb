"""Every value can be shown as text, even one that Python has no object for."""

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
        (pa.array([[1], [2]]), [None, None]),
        (pa.array([1], pa.timestamp("ns", "Mars/Olympus")), ["1970-01-01 00:00:00.000000001"]),
        (pa.array([2**62], pa.timestamp("s")), ["<value out of range: 4611686018427387904>"]),
        (pa.array([1], pa.time64("us")), ["00:00:00.000001"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_a_value_is_shown(column: pa.Array, shown: list[str | None]) -> None:
    assert texts(column) == shown
