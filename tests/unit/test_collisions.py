"""Rows of one series and time: repetitions collapse, contradictions are set aside, the last row wins."""

import dataclasses
import io
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.collisions import distinguishing_columns, find_repeated_points
from functions.convert_and_chunk.part import read_records, set_rows_aside
from functions.convert_and_chunk.point_order import Lines, sort_points
from functions.convert_and_chunk.row_groups import PartReader
from shared.errors import CollidingRecordsError
from tests.support.builders import generation, long_generation, parquet
from tests.support.conversion import GENERATION, SETTINGS, DiscardingStaging, convert_table, whole_part

NAN = float("nan")
WITHOUT_PLANTS = dataclasses.replace(GENERATION, optional_tags=("quality_flag",))


def at_once(rows: int, **columns: Any) -> pa.Table:
    """Return records that share one series and time, unless `columns` change it."""
    return generation(rows, timestamp=pa.array([0] * rows, pa.timestamp("s")), **columns)


def test_an_exact_repetition_is_collapsed_into_its_last_row() -> None:
    result = convert_table(at_once(3, power_mw=[1.0, 1.0, 1.0]))
    assert (len(result.lines), result.records.verdicts.collapsed, result.set_aside) == (1, 2, {})


def test_the_last_row_wins_and_the_others_are_set_aside() -> None:
    result = convert_table(at_once(3, power_mw=[5.0, 6.0, 7.0]))
    assert result.set_aside == {0: "collision", 1: "collision"}
    assert [line.split(" ")[1] for line in result.lines] == ["power_mw=7.0"]


def test_a_row_that_agrees_with_the_last_one_repeats_it() -> None:
    result = convert_table(at_once(3, power_mw=[5.0, 6.0, 5.0]))
    assert (result.set_aside, result.records.verdicts.collapsed) == ({1: "collision"}, 1)


def test_rows_with_different_fields_complete_each_other() -> None:
    result = convert_table(at_once(2, power_mw=[5.0, None], efficiency=[None, 0.5]))
    assert [line.split(" ")[1] for line in result.lines] == ["power_mw=5.0", "efficiency=0.5"]


def test_another_series_or_another_time_is_no_collision() -> None:
    assert len(convert_table(at_once(2, region=["N", "S"])).lines) == 2
    assert len(convert_table(generation(2, power_mw=[1.0, 2.0])).lines) == 2


def test_a_row_that_is_set_aside_collides_with_nothing() -> None:
    assert convert_table(at_once(2, region=["N", ""], energy_source=["x", "x"])).set_aside == {1: "missing_tag"}


def test_rows_far_apart_in_the_file_collide() -> None:
    rows = 200_000
    timestamps = pa.array([0, *range(1, rows - 1), 0], pa.timestamp("s"))
    assert convert_table(generation(rows, timestamp=timestamps)).set_aside == {0: "collision"}


def plants(layout: str) -> pa.Table:
    """Return rows of three plants at two times: two plants agree at the first time, all at the second."""
    values = [5.0, 7.0, 7.0, 0.0, 0.0, 0.0]
    table = generation(6, power_mw=values) if layout == "wide" else long_generation(values, ["MW"] * 6)
    hours = pa.array([0, 0, 0, 3600, 3600, 3600], pa.timestamp("s"))
    return table.set_column(0, "timestamp", hours).append_column("plant_name", pa.array(["A", "B", "C"] * 2))


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_rows_by_plant_are_points_by_plant(layout: str) -> None:
    assert len(convert_table(plants(layout)).lines) == 6


@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize(("of_all", "own"), [(0.05, None), (1.0, 0.05)])
def test_without_plants_as_a_tag_rows_by_plant_collide_and_the_missing_tag_is_named(
    layout: str, of_all: float, own: float | None
) -> None:
    content = parquet(plants(layout))
    result = convert_table(content, WITHOUT_PLANTS)
    assert (len(result.lines), result.set_aside, result.records.verdicts.collapsed) == (2, {0: "collision"}, 3)
    reader = PartReader(io.BytesIO(content), whole_part(content), "a file")
    settings = dataclasses.replace(SETTINGS, max_collision_rate=of_all)
    records = read_records(reader, 6, dataclasses.replace(WITHOUT_PLANTS, max_collision_rate=own), settings)
    with pytest.raises(CollidingRecordsError, match=r"1 of 6 rows .* declare one of plant_name as a tag"):
        set_rows_aside(
            reader,
            records,
            whole_part(content),
            DiscardingStaging(),
            settings,
            repeated=records.judge_repeated_points(),
        )


def reference(points: list[tuple[int, int, list[float]]]) -> tuple[list[int], list[int]]:
    """Return the collapsed and the colliding rows, computed the slow way."""
    collapsed, colliding = [], []
    for row, (series, time, values) in enumerate(points):
        same = [(other, fields) for other, (*point, fields) in enumerate(points) if point == [series, time]]
        last = [
            next((fields[n] for _, fields in reversed(same) if not np.isnan(fields[n])), NAN)
            for n in range(len(values))
        ]
        if any(not np.isnan(value) and value != last[n] for n, value in enumerate(values)):
            colliding.append(row)
        elif any(other > row and repr(fields) == repr(values) for other, fields in same):
            collapsed.append(row)
    return collapsed, colliding


values = st.sampled_from([NAN, 1.0, 2.0])


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 1), st.lists(values, min_size=2, max_size=2)), max_size=12)
)
def test_it_agrees_with_the_slow_way(points: list[tuple[int, int, list[float]]]) -> None:
    fields = [np.array([point[2][n] for point in points], np.float64) for n in range(2)]
    series = np.array([point[0] for point in points], np.int32)
    time = np.array([point[1] for point in points], np.int64)
    part = Lines(
        series, np.arange(3, dtype=np.int32), time, dict(zip("ab", fields, strict=True)), np.arange(len(points))
    )
    repeated = find_repeated_points(series, time, fields, sort_points(part).repeated_rows())
    assert (sorted(repeated.collapsed.tolist()), repeated.colliding.tolist()) == reference(points)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["A", "B", "A", "B"]), ["turbine"]),
        (pa.array(["A", "A", "A", "A"]), []),
        (pa.array([1, 2, 3, None]), ["turbine"]),
        (pa.array([[1], [2], [3], [4]]), []),
        (pa.Array.from_buffers(pa.string(), 4, pa.array([b"\xff", b"b", b"c", b"d"]).buffers()), ["turbine"]),
    ],
)
def test_columns_that_would_keep_rows_apart_are_named(column: pa.Array, expected: list[str]) -> None:
    table = generation(4, turbine=column, note=["x"] * 4, __index_level_0__=[0, 1, 2, 3])
    content = parquet(table)
    reader = PartReader(io.BytesIO(content), whole_part(content), "a file")
    assert (
        distinguishing_columns(reader, ["note", "turbine", "__index_level_0__"], np.array([0, 1]), np.array([3, 2]))
        == expected
    )
