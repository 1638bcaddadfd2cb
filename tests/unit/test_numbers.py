"""Numbers of every type become the nearest doubles, or have a reason not to."""

import decimal
import math
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.columns.numbers import numbers

NAN = float("nan")


def values_and_rules(values: list[Any], kind: pa.DataType | None = None) -> tuple[list[float | None], list[str]]:
    """Return the values, None where there is nothing to write, and the rule that sets each row aside."""
    array = pa.array(values, kind)
    result = numbers(array, "power_mw")
    rules = [""] * len(array)
    for problem in result.problems:
        for row in np.flatnonzero(problem.rows):
            rules[row] = problem.reason.rule
    return [None if math.isnan(value) else value for value in result.values.tolist()], rules


@pytest.mark.parametrize(
    "kind",
    [pa.float64(), pa.float32(), pa.float16(), pa.int8(), pa.int64(), pa.uint64(), pa.decimal128(10, 2)],
    ids=str,
)
def test_every_numeric_type_is_read(kind: pa.DataType) -> None:
    values = [decimal.Decimal(1), None, decimal.Decimal(3)] if pa.types.is_decimal(kind) else [1, None, 3]
    assert values_and_rules(values, kind) == ([1.0, None, 3.0], ["", "", ""])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary()], ids=str)
def test_text_is_read_as_the_number_it_shows(kind: pa.DataType) -> None:
    texts = ["2736.97290039", "0E-8", " 5 ", "+1", "-.5", "7.", "1e3", None, "", " - "]
    values, rules = (
        values_and_rules([text if text is None else text.encode() for text in texts], pa.binary()),
        [""] * 10,
    )
    assert (
        values_and_rules(texts, kind)
        == values
        == ([2736.97290039, 0.0, 5.0, 1.0, -0.5, 7.0, 1000.0, None, None, None], rules)
    )


def test_a_dictionary_is_read_by_its_values() -> None:
    encoded = pa.array(["1.5", "x", None, "1.5"]).dictionary_encode()
    assert values_and_rules(encoded.to_pylist(), pa.dictionary(pa.int32(), pa.string())) == (
        [1.5, None, None, 1.5],
        ["", "not_a_number", "", ""],
    )


@pytest.mark.parametrize("text", ["1,5", "1_000", "abc", "0x10", "1e", "--1", "1 2", "٣", "1\u00a0"])
def test_text_that_is_no_number_sets_the_row_aside(text: str) -> None:
    assert values_and_rules([text, "1"]) == ([None, 1.0], ["not_a_number", ""])


@pytest.mark.parametrize("values", [[NAN, math.inf, -math.inf, 1.0], ["NaN", "inf", "-Infinity", "1"]])
def test_a_value_that_is_not_finite_is_left_out_and_counted(values: list[Any]) -> None:
    result = numbers(pa.array(values), "power_mw")
    assert result.not_finite.tolist() == [True, True, True, False]
    assert np.isnan(result.values[:3]).all()
    assert result.values[3] == 1.0


def test_null_is_not_counted_as_not_finite() -> None:
    assert not numbers(pa.array([None, 1.0]), "power_mw").not_finite.any()


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64()], ids=str)
def test_an_integer_beyond_2_to_53_sets_the_row_aside(kind: pa.DataType) -> None:
    values, rules = values_and_rules([2**53, 2**53 + 1, None], kind)
    assert (values[0], rules) == (2.0**53, ["", "integer_too_large", ""])
    assert values_and_rules([-(2**53) - 1, -(2**53)], pa.int64())[1] == ["integer_too_large", ""]


@pytest.mark.parametrize(
    "texts",
    [
        ["9007199254740993", "-9007199254740994", "+" + "9" * 400],
        [decimal.Decimal(2**53 + 1), decimal.Decimal(-(10**20)), decimal.Decimal(2**60)],
    ],
)
def test_an_integer_beyond_2_to_53_is_one_in_text_and_in_a_decimal_too(texts: list[Any]) -> None:
    assert values_and_rules(texts)[1] == ["integer_too_large"] * 3


def test_the_last_exact_integer_and_large_numbers_that_are_no_integers_are_read() -> None:
    texts = ["9007199254740992", "-0009007199254740992", "1e20", "9007199254740993.0"]
    assert values_and_rules(texts) == ([2.0**53, -(2.0**53), 1e20, 2.0**53], [""] * 4)


@pytest.mark.parametrize("kind", [pa.decimal32(9, 2), pa.decimal64(18, 2), pa.decimal256(76, 30)], ids=str)
def test_decimals_of_every_width_are_read(kind: pa.DataType) -> None:
    assert values_and_rules([decimal.Decimal("-1.25"), None], kind) == ([-1.25, None], ["", ""])


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int8(), pa.string()), pa.float64()], ids=str)
def test_a_column_of_nulls_has_no_values(kind: pa.DataType) -> None:
    assert values_and_rules([None, None], kind) == ([None, None], ["", ""])
    assert values_and_rules([], kind) == ([], [])


def test_a_slice_of_a_column_is_read_from_where_it_begins() -> None:
    for array in (pa.array([None, "1.5", "x"]), pa.array([7, None, 2**53 + 1])):
        for whole in (array, array.dictionary_encode()):
            [problem] = numbers(whole.slice(1), "power_mw").problems
            assert problem.rows.tolist() == [False, True]


signs = st.text("0123456789+-.,eEnaif \t", max_size=8)


@given(signs | st.tuples(signs, st.sampled_from(["", "9007199254740993", "nan", "e400"]), signs).map("".join))
def test_text_means_what_it_means_to_python(text: str) -> None:
    try:
        value = float(text)
    except ValueError:
        value = None
    exact = value is not None and (abs(value) < 2**53 or not re.fullmatch(r"[+-]?\d+", text.strip()))
    values, [rule] = values_and_rules([text], pa.string())
    if value is None:
        assert rule == ("" if text.strip() in ("", "-") else "not_a_number")
    elif exact or int(text) in (2**53, -(2**53)):
        assert (values, rule) == ([value if math.isfinite(value) else None], "")
    else:
        assert rule == "integer_too_large"


def test_float32_is_widened_not_rounded_again() -> None:
    assert values_and_rules([np.float32(0.1)], pa.float32())[0] == [float(np.float32(0.1))]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20))
def test_decimals_are_the_nearest_doubles(value: decimal.Decimal) -> None:
    assert values_and_rules([value], pa.decimal128(38, 9)) == ([float(value)], [""])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_text_is_the_nearest_double(value: float) -> None:
    assert values_and_rules([repr(value)])[0] == [value]
