"""Exact bytes of lines, and their agreement with two other implementations of line protocol."""

import math
import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point
from line_protocol_parser import parse_line

from functions.convert_and_chunk.line_protocol import render_lines
from functions.convert_and_chunk.prefixes import MAX_NAMED_BYTES
from tests.support.builders import generation
from tests.support.conversion import convert_table

PREFIX = "generation_data,energy_source=hydro,measurement_type=verified,region=SE "
NAN = float("nan")
doubles = st.floats(allow_nan=False, allow_infinity=False)


def rendered(values: list[float], time: list[int] | None = None) -> list[str]:
    """Return the lines of rows with one field `f`."""
    rows = len(values)
    stamps = np.array(time or [0] * rows, np.int64)
    bodies = [np.arange(first, min(first + 7, rows)) for first in range(0, rows, 7)]
    blocks = render_lines(
        pa.array(["m "]), np.zeros(rows, np.int32), {"f": np.array(values, np.float64)}, stamps, bodies
    )
    return [bytes(data[begin:end]).decode() for (data, starts), _ in blocks for begin, end in pairwise(starts)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5.0"),
        (-5.0, "-5.0"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.5, "0.5"),
        (-0.25, "-0.25"),
        (236.865, "236.865"),
        (0.0001, "0.0001"),
        (16383.9999, "16383.9999"),
        (16384.0, "16384.0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1e-5, "0.00001"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740993.0, "9007199254740992.0"),
    ],
)
def test_a_number_is_the_shortest_text_that_reads_back(value: float, text: str) -> None:
    assert float(text) == value
    [line] = rendered([value])
    assert line == f"m f={text} 0\n"


def test_a_line_leaves_out_what_has_no_value() -> None:
    fields = {"a": np.array([1.0, NAN, NAN]), "b": np.array([NAN, 2.5, NAN]), "c": np.array([NAN, 3.0, 4.0])}
    [(body, _)] = render_lines(
        pa.array(["m,t=x ", "n "]), np.array([0, 1, 0], np.int32), fields, np.array([7, -8, 9]), [np.arange(3)]
    )
    assert bytes(body.data) == b"m,t=x a=1.0 7\nn b=2.5,c=3.0 -8\nm,t=x c=4.0 9\n"


def test_many_series_for_few_lines_change_nothing() -> None:
    prefixes = pa.array([f"m,t={number} " for number in range(1000)])
    [(body, _)] = render_lines(
        prefixes, np.array([998, 5, 998], np.int32), {"f": np.ones(3)}, np.array([1, 2, 3]), [np.arange(3)]
    )
    assert bytes(body.data) == b"m,t=998 f=1.0 1\nm,t=5 f=1.0 2\nm,t=998 f=1.0 3\n"


def test_a_whole_line_of_the_dataset() -> None:
    table = generation(1, power_mw=[1.5], quality_flag=["ok"], plant_name=["Ilha Solteira, 2=b"])
    assert convert_table(table).lines == [
        r"generation_data,energy_source=hydro,measurement_type=verified,plant_name=Ilha\ Solteira\,\ 2\=b,"
        "quality_flag=ok,region=SE power_mw=1.5 1704067200000000000"
    ]


@given(st.lists(doubles | st.just(-0.0), min_size=1, max_size=60))
def test_every_double_reads_back_to_the_last_bit(values: list[float]) -> None:
    texts = [line.removeprefix("m f=").split(" ")[0] for line in rendered(values)]
    assert [struct.pack("d", float(text)) for text in texts] == [struct.pack("d", value) for value in values]


@given(st.integers(0, 4), st.lists(st.integers(-200_000_000, 200_000_000), min_size=1, max_size=60))
def test_looked_up_decimals_are_the_same_text_as_formatted_ones(decimals: int, scaled: list[int]) -> None:
    values = [number / 10**decimals for number in scaled]
    beside_a_long_one = rendered([*values, 0.1 + 0.2])  # which makes the whole column go through the formatter
    assert rendered(values) == beside_a_long_one[:-1]


@pytest.mark.parametrize("odd", [0.12345, 16384.25, 1e-9, -0.30000000000000004, 1e300])
@pytest.mark.parametrize("at", [0, 1, 5000, 9999])
def test_one_long_number_among_many_short_ones_is_not_rounded(odd: float, at: int) -> None:
    values = [row / 100 for row in range(10_000)]
    values[at] = odd
    assert [float(line.split("=")[1].split(" ")[0]) for line in rendered(values)] == values


@given(st.lists(st.integers(-(2**63) + 2, 2**63 - 2), min_size=1, max_size=20))
def test_every_nanosecond_stays_what_it_is(time: list[int]) -> None:
    assert [int(line.rsplit(" ", 1)[1]) for line in rendered([1.0] * len(time), time)] == time


@pytest.mark.parametrize(("series", "tag"), [(1, "t"), (2, "t"), (1000, "t"), (2, "t" * MAX_NAMED_BYTES)])
def test_formatted_numbers_follow_the_prefix_whether_the_first_field_has_a_value_or_not(series: int, tag: str) -> None:
    third = 1 / 3
    fields = {"a": np.array([third, NAN, NAN]), "b": np.array([NAN, third, NAN]), "c": np.array([NAN, third, -third])}
    prefixes = pa.array([f"m,{tag}={number} " for number in range(series)])
    numbers = np.array([0, series - 1, 0], np.int32)
    [(body, _)] = render_lines(prefixes, numbers, fields, np.array([7, 8, 9]), [np.arange(3)])
    assert bytes(body.data).decode().splitlines() == [
        f"m,{tag}=0 a={third} 7",
        f"m,{tag}={series - 1} b={third},c={third} 8",
        f"m,{tag}=0 c=-{third} 9",
    ]


def test_times_that_change_in_each_row_are_those_of_the_rows() -> None:
    rows = 1000
    time = np.arange(rows) % 3 * 10**9
    arguments = (pa.array(["m "]), np.zeros(rows, np.int32), {"f": np.ones(rows)}, time, [np.arange(rows)])
    [(body, _)] = render_lines(*arguments)
    assert [int(line.split()[-1]) for line in bytes(body.data).splitlines()] == time.tolist()


tag_texts = st.text(st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs")), max_size=12)


@given(tag_texts, st.one_of(st.none(), tag_texts), doubles, st.integers(0, 2**33))
def test_lines_mean_what_the_client_library_writes(region: str, plant: str | None, value: float, seconds: int) -> None:
    table = generation(
        1,
        timestamp=pa.array([seconds], pa.timestamp("s")),
        region=pa.array([region], pa.string()),
        plant_name=pa.array([plant], pa.string()),
        power_mw=[value],
    )
    result = convert_table(table)
    point = Point("generation_data").tag("energy_source", "hydro").tag("measurement_type", "verified")
    point = point.tag("region", region.strip()).field("power_mw", value).time(seconds * 10**9)
    if plant and plant.strip() not in ("", "-"):
        point = point.tag("plant_name", plant.strip())
    for line in result.lines:
        assert comparable(line) == comparable(point.to_line_protocol())
    assert len(result.lines) + len(result.set_aside) == 1


@given(tag_texts.filter(lambda text: "\\" not in text), doubles.filter(lambda value: value == 0 or abs(value) > 1e-300))
def test_an_independent_parser_reads_the_values_back(region: str, value: float) -> None:
    for line in convert_table(generation(1, region=pa.array([region], pa.string()), power_mw=[value])).lines:
        parsed = parse_line(line)
        assert parsed["tags"]["region"] == region.strip()
        assert parsed["fields"] == {"power_mw": value}
        assert math.copysign(1, parsed["fields"]["power_mw"]) == math.copysign(1, value)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=8))
def test_one_row_is_one_line(regions: list[str]) -> None:
    rows = len(regions)
    result = convert_table(generation(rows, region=pa.array([text.encode("utf-8", "replace") for text in regions])))
    assert len(result.lines) == rows - len(result.set_aside)
    assert all(line.startswith("generation_data,") and line.endswith("00000") for line in result.lines)


def comparable(line: str) -> tuple[Any, ...]:
    """Return the line with its values as numbers, so that only their text may differ."""
    head, fields, time = line.rsplit(" ", 2)
    return head, [(name, float(value)) for name, value in (field.split("=") for field in fields.split(","))], int(time)
