"""A footprint says exactly which points a part writes, sorted, in less than a byte a point for regular data."""

import io
import math
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.point_order import (
    BLOCK_LINES,
    Lines,
    OrderedPoints,
    PackedPoints,
    SortedPoints,
    sort_points,
)
from shared.footprints import Footprint, FootprintWriter, PointBlock, PointRange, read_footprint
from tests.support.builders import START, generation
from tests.support.conversion import convert_table

FIELDS = ("capacity_factor", "efficiency", "power_mw")
FAR_NS = 2**62 + 1
"""A distance in time that leaves no bits of a key for series and fields."""

Point = tuple[str, int, list[str]]


def points_of_lines(lines: list[str]) -> list[Point]:
    """Return series, time and names of the fields of each line, sorted."""
    points = []
    for line in lines:
        series, fields, time = line.rsplit(" ", 2)
        points.append((series, int(time), sorted(pair.partition("=")[0] for pair in fields.split(","))))
    return sorted(points)


def points_of_footprint(footprint: Footprint) -> list[Point]:
    """Return the same of a footprint, which is sorted except for the fields of equal points."""
    series, names, columns = footprint
    points = [
        (series[number], time, [name for bit, name in enumerate(names) if mask >> bit & 1])
        for number, time, mask in zip(*(column.tolist() for column in columns), strict=True)
    ]
    assert [point[:2] for point in points] == sorted(point[:2] for point in points)
    return sorted(points)


def check(table: pa.Table, order: type[SortedPoints]) -> Footprint:
    """Check the footprint of a table, which is sorted with `order`, and return it."""
    result = convert_table(table)
    assert type(sort_points(result.records._lines())) is order
    footprint = read_footprint(result.records.take_footprint().parquet)
    assert points_of_footprint(footprint) == points_of_lines(result.lines)
    return footprint


row = st.fixed_dictionaries(
    {"timestamp": st.integers(0, 3), "region": st.sampled_from(["N", "N ", "a,b c", "é", "a", None])}
    | dict.fromkeys(FIELDS, st.sampled_from([1.0, 2.0, math.nan, None]))
)
far_rows = [{"timestamp": time, "region": "S"} | dict.fromkeys(FIELDS, 1.0) for time in (0, 1, -FAR_NS)]


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    columns: dict[str, Any] = {name: pa.array([row[name] for row in rows], pa.float64()) for name in FIELDS}
    columns["region"] = pa.array([row["region"] for row in rows], pa.string())
    columns["timestamp"] = pa.array([START * 1000 + row["timestamp"] for row in rows], pa.timestamp("ns", "UTC"))
    return generation(len(rows), **columns)


@given(rows=st.lists(row, max_size=20))
def test_a_footprint_has_the_points_of_all_lines(rows: list[dict[str, Any]]) -> None:
    check(table_of(rows), PackedPoints)


@given(rows=st.lists(row, max_size=20))
def test_it_has_them_too_if_the_times_are_too_far_apart_for_a_key(rows: list[dict[str, Any]]) -> None:
    check(table_of([*rows, *far_rows]), OrderedPoints)


@pytest.mark.parametrize(
    ("order", "is_in_time_order"), [(PackedPoints, False), (PackedPoints, True), (OrderedPoints, False)]
)
def test_more_points_than_a_block_has_are_sorted_across_blocks(
    order: type[SortedPoints], *, is_in_time_order: bool
) -> None:
    count, random = 70_000, np.random.default_rng(7)
    times = np.arange(count) if is_in_time_order else random.permutation(count)
    table = generation(
        count,
        timestamp=pa.array(START * 1000 + times, pa.timestamp("ns", "UTC")),
        region=pa.array([f"region {number}" for number in random.integers(0, 40, count)]),
        efficiency=[1.0] * count,
    )
    rows = far_rows if order is OrderedPoints else []
    far = table_of(rows).select(table.column_names)
    footprint = check(pa.concat_tables([table, far.cast(table.schema)]), order)
    assert len(footprint.points.time) == count + len(rows)


def test_points_that_are_in_time_order_only_within_blocks_are_sorted() -> None:
    """The second block begins before the first one ends."""
    times = pa.array(START * 1000 + np.append(np.arange(BLOCK_LINES), [5, 6]), pa.timestamp("ns", "UTC"))
    check(generation(BLOCK_LINES + 2, timestamp=times, power_mw=[1.0] * (BLOCK_LINES + 2)), PackedPoints)


def test_more_series_than_16_bits_number_are_sorted_in_time_order() -> None:
    names = pa.array(range(65_537)).cast(pa.string())
    check(generation(65_537, plant_name=names), PackedPoints)


def test_sorting_lines_in_time_order_takes_little_more_memory_than_their_keys() -> None:
    count = 20 * BLOCK_LINES
    row_numbers, field = np.arange(count), np.ones(count)
    series = (row_numbers % 300).astype(np.int32)
    part = Lines(series, np.arange(300, dtype=np.int32), row_numbers // 300, {"a": field}, row_numbers)
    tracemalloc.start()
    points = sort_points(part)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(points, PackedPoints)
    assert (points.keys[1:] >= points.keys[:-1]).all()
    assert peak < 1.6 * points.keys.nbytes


def test_a_part_without_lines_has_an_empty_footprint() -> None:
    footprint = check(generation(2, region=["", None]), PackedPoints)
    assert (footprint.series, len(footprint.points.time)) == ([], 0)


def test_regular_hourly_data_need_less_than_a_byte_a_point() -> None:
    plants, hours = 200, 31 * 24
    times = np.repeat(START + np.arange(hours) * 3_600_000_000, plants)
    names = [f"Usina {number:03}" for number in range(plants)] * hours
    table = generation(plants * hours, timestamp=pa.array(times, pa.timestamp("us", "UTC")), plant_name=names)
    footprint = convert_table(table).records.take_footprint().parquet
    assert len(footprint) / (plants * hours) < 0.2


def write_blocks() -> bytes:
    """Return a footprint with a row group for each of two series, at different times."""
    writer = FootprintWriter(pa.array(["m,t=x", "m,t=y"]), ["a"])
    for number in range(2):
        time = np.arange(3) + 10 * number
        writer.write(PointBlock(np.full(3, number, np.int32), time, np.ones(3, np.uint64)))
    return writer.close()


def with_statistics(content: bytes) -> bytes:
    """Return the footprint as an earlier release stored it, whose row groups have statistics instead of ranges."""
    table, sink = pq.ParquetFile(io.BytesIO(content)).read(), io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"field_names": '["a"]'}), sink, row_group_size=3)
    return sink.getvalue()


@pytest.mark.parametrize("stored", [write_blocks(), with_statistics(write_blocks())], ids=["ranges", "statistics"])
@pytest.mark.parametrize(
    ("within", "series"),
    [
        (PointRange("m,t=x", "m,t=x", 0, 2), ["m,t=x"]),
        (PointRange("m,t=w", "m,t=z", 10, 10), ["m,t=y"]),
        (PointRange("m,t=w", "m,t=z", 2, 10), ["m,t=x", "m,t=y"]),
        (PointRange("m,t=y", "m,t=z", 0, 9), []),
    ],
)
def test_only_row_groups_that_can_have_points_of_a_range_are_read(
    stored: bytes, within: PointRange, series: list[str]
) -> None:
    assert read_footprint(stored, within).series == series
