"""Every row ends in exactly one place: whatever a table holds, a slow and simple reading of it gives the same."""

import dataclasses
import datetime as dt
import io
import math
import tracemalloc
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.part import stage_lines
from functions.convert_and_chunk.verdicts import Reason, Verdicts
from functions.validate_schema.footer import row_group_rows
from functions.validate_schema.parts import plan_parts
from shared.errors import AccountingError
from tests.support.builders import generation, long_generation, parquet
from tests.support.conversion import GENERATION, Conversion, DiscardingStaging, convert_table, whole_part

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 -- the tables hold naive times, which are UTC
TAGS = ("region", "energy_source", "measurement_type", "plant_name")
FIELDS = ("power_mw", "efficiency")
SCHEMA = pa.schema(
    [("timestamp", pa.timestamp("us"))]
    + [(name, pa.string()) for name in TAGS]
    + [(name, pa.float64()) for name in FIELDS]
)

# Most values are good, and many are the same: else no rows would be left to collide, to collapse and to be lines.
tag_values = st.sampled_from(["N"] * 20 + ["N ", "a,b c=d", "é", " ", "-", "x\ny", "z\\", None])
field_values = st.sampled_from([1.5, 2.0, 0.0, -0.0, 1e300, 0.1 + 0.2, 12.25, math.nan, math.inf, None, None])
times = st.sampled_from([*[EPOCH + dt.timedelta(hours=hour) for hour in range(4)] * 3, None])
rows_of_a_table = st.lists(
    st.fixed_dictionaries({"timestamp": times} | dict.fromkeys(TAGS, tag_values) | dict.fromkeys(FIELDS, field_values)),
    max_size=25,
)


def point(row: dict[str, Any]) -> tuple[str, int, dict[str, float]] | str:
    """Return the row's series, time and fields, or the rule that sets it aside."""
    tags = {name: (row[name] or "").strip() for name in TAGS}
    tags = {name: value for name, value in tags.items() if value not in ("", "-")}
    fields = {name: row[name] for name in FIELDS if row[name] is not None and math.isfinite(row[name])}
    if row["timestamp"] is None:
        return "no_timestamp"
    for name in sorted(TAGS):
        if name not in tags and name != "plant_name":
            return "missing_tag"
        if "\n" in tags.get(name, "") or tags.get(name, "").endswith("\\"):
            return "unusable_tag"
    if not fields:
        return "no_field"
    return str(sorted(tags.items())), (row["timestamp"] - EPOCH) // dt.timedelta(microseconds=1) * 1000, fields


def expected(rows: list[dict[str, Any]]) -> tuple[dict[int, str], set[int], list[int]]:
    """Return the rows set aside with their rules, the collapsed rows and the loaded rows, computed the slow way."""
    points = [point(row) for row in rows]
    set_aside = {row: point_or_rule for row, point_or_rule in enumerate(points) if isinstance(point_or_rule, str)}
    last: dict[Any, float] = {}
    for point_or_rule in points:
        if not isinstance(point_or_rule, str):
            last |= {(*point_or_rule[:2], name): value for name, value in point_or_rule[2].items()}
    collapsed = set()
    for row, point_or_rule in enumerate(points):
        if isinstance(point_or_rule, str):
            continue
        if any(value != last[*point_or_rule[:2], name] for name, value in point_or_rule[2].items()):
            set_aside[row] = "collision"
        elif point_or_rule in points[row + 1 :]:
            collapsed.add(row)
    return set_aside, collapsed, [row for row in range(len(rows)) if row not in set_aside and row not in collapsed]


def check_accounts(result: Conversion) -> None:
    verdicts = result.records.verdicts
    assert len(result.lines) + verdicts.collapsed + sum(verdicts.set_aside.values()) == result.records.rows


@given(rows_of_a_table, st.integers(1, 30), st.integers(1, 4))
def test_every_row_ends_where_a_slow_reading_puts_it(
    rows: list[dict[str, Any]], group_rows: int, max_lines: int
) -> None:
    content = parquet(pa.Table.from_pylist(rows, SCHEMA), row_group_size=group_rows)
    result = convert_table(content, max_lines=max_lines)
    set_aside, collapsed, lines = expected(rows)
    assert result.set_aside == set_aside
    assert result.records.verdicts.collapsed == len(collapsed)
    assert [fields_of(line) for line in result.lines] == [point(rows[row])[2] for row in lines]
    check_accounts(result)


@given(rows_of_a_table, st.integers(1, 9), st.integers(1, 9))
def test_the_parts_of_a_file_are_judged_independently(
    rows: list[dict[str, Any]], group_rows: int, part_rows: int
) -> None:
    """Each part gives the same result as a file that holds only its rows."""
    content = parquet(pa.Table.from_pylist(rows, SCHEMA), row_group_size=group_rows)
    parts = plan_parts(row_group_rows(pq.read_metadata(io.BytesIO(content))), part_rows)
    ranges = [(part["first_row"], part["first_row"] + part["rows"]) for part in parts]
    alone = [convert_table(pa.Table.from_pylist(rows[first:end], SCHEMA)) for first, end in ranges]
    for part, expected in zip(parts, alone, strict=True):
        result = convert_table(content, part=part)
        assert (result.lines, result.set_aside) == (expected.lines, expected.set_aside)
        check_accounts(result)
    assert sum(part["rows"] for part in parts) == len(rows)


@pytest.mark.parametrize("rows", [2, 4])
def test_a_row_that_is_missing_or_counted_twice_is_an_error(rows: int) -> None:
    content = parquet(generation(3, region=["N", None, "S"]))
    part = whole_part(content)
    with pytest.raises(AccountingError, match=f"part 0 has {rows} rows, but 3 are accounted for"):
        stage_lines(DiscardingStaging(), convert_table(content).records, part | {"rows": rows}, 1000, 100)
    assert stage_lines(DiscardingStaging(), convert_table(content).records, part, 1000, 100)["points"] == 2


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    table = generation(
        5000, region=[f"R{row % 17}" for row in range(5000)], efficiency=[row / 7 for row in range(5000)]
    )
    before = pa.cpu_count()
    pa.set_cpu_count(threads)
    try:
        lines = convert_table(parquet(table, row_group_size=512)).lines
    finally:
        pa.set_cpu_count(before)
    assert lines == convert_table(parquet(table, row_group_size=512)).lines


def test_the_first_reason_of_a_row_is_reported() -> None:
    table = generation(1, timestamp=pa.array([None], pa.timestamp("s")), power_mw=["x"], region=["N"])
    assert convert_table(table).set_aside == {0: "no_timestamp"}


def test_counting_reasons_takes_less_memory_than_the_verdicts() -> None:
    verdicts = Verdicts(2_000_000)
    verdicts.codes[::3] = verdicts.code(Reason("no_field", "no field has a finite value"))
    tracemalloc.start()
    set_aside = verdicts.set_aside
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert set_aside == {"no_field": 666_667}
    assert peak < verdicts.codes.nbytes


def test_values_outside_their_bounds_are_loaded_and_counted() -> None:
    result = convert_table(generation(4, power_mw=[-1.0, 0.0, 1.0, 1e9], efficiency=[0.0, 1.0, 1.1, -0.1]))
    assert (len(result.lines), result.records.out_of_bounds()) == (4, {"power_mw": 1, "efficiency": 2})


def test_bounds_are_not_checked_if_records_are_not_validated() -> None:
    assert convert_table(generation(1, power_mw=[-1.0]), validate=False).records.out_of_bounds() == {}


def test_bounds_are_not_counted_for_rows_that_are_not_loaded() -> None:
    result = convert_table(generation(2, power_mw=[-1.0, -2.0], region=["N", None]))
    assert result.records.out_of_bounds() == {"power_mw": 1}


@pytest.mark.parametrize("column", ["timestamp", "region", "plant_name", "power_mw"])
def test_a_column_of_nulls_alone_is_read_as_such(column: str) -> None:
    table = generation(3, efficiency=[0.5] * 3, **{column: pa.nulls(3)})
    result = convert_table(table)
    rule = {"timestamp": "no_timestamp", "region": "missing_tag"}.get(column)
    assert result.set_aside == (dict.fromkeys(range(3), rule) if rule else {})


def test_without_a_required_tag_in_the_file_rows_load_if_they_are_not_validated() -> None:
    assert len(convert_table(generation(2, region=None), validate=False).lines) == 2


def test_a_file_without_any_tag_is_one_series_if_it_is_not_validated() -> None:
    table = generation(2, region=None, energy_source=None, measurement_type=None)
    assert convert_table(table, validate=False).lines[0] == "generation_data power_mw=0.0 1704067200000000000"


@pytest.mark.parametrize(
    ("column", "rule"),
    [("timestamp", "unreadable_timestamp"), ("region", "unusable_tag"), ("power_mw", "not_a_number")],
)
@pytest.mark.parametrize("kind", [pa.string(), pa.binary()], ids=str)
def test_text_that_is_no_utf_8_sets_the_row_aside(column: str, rule: str, kind: pa.DataType) -> None:
    values = {"timestamp": b"2024-01-01", "region": b"N", "power_mw": b"1"}
    texts = pa.array([b"\xc3(", values[column]], pa.binary())
    spoiled = pa.Array.from_buffers(kind, 2, texts.buffers())
    assert convert_table(generation(2, **{column: spoiled})).set_aside == {0: rule}


def test_a_declared_epoch_makes_integers_times() -> None:
    dataset = dataclasses.replace(GENERATION, epoch="ms")
    assert convert_table(generation(1, timestamp=[5]), dataset).lines[0].endswith(" 5000000")


def test_both_layouts_may_be_empty() -> None:
    for table in (generation(0), long_generation([], [])):
        check_accounts(convert_table(table))


def fields_of(line: str) -> dict[str, float]:
    """The fields of a line whose tags escape every space."""
    return {name: float(value) for name, value in (pair.split("=") for pair in line.split(" ")[-2].split(","))}
