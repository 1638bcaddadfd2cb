"""Calendars count the points and series of each day, and are short for regular data."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendars import MAX_DAYS, Count, add, all_periods, decode, encode, months, shorten
from tests.support.builders import HOUR, START, generation
from tests.support.conversion import convert_table

days = st.dates(datetime(2023, 12, 25).date(), datetime(2024, 3, 5).date()).map(str)  # noqa: DTZ001 - only a date
counts = st.builds(Count, *[st.integers(1, 3)] * 4)


def calendar_of(hours: list[int], region: list[str]) -> dict[str, Count]:
    times = pa.array([START + hour * HOUR for hour in hours], pa.timestamp("us", "UTC"))
    table = generation(len(hours), timestamp=times, region=region)
    return convert_table(table).records.take_footprint().calendar


@given(st.dictionaries(days, counts))
def test_decoding_undoes_encoding(calendar: dict[str, Count]) -> None:
    runs = json.loads(json.dumps(encode(calendar)))
    assert decode(runs) == calendar
    assert decode(encode(months(calendar))) == months(calendar)


@given(st.lists(st.tuples(st.integers(-60, 60), st.sampled_from(["N", "S", "NE"])), min_size=1, max_size=40))
def test_the_calendar_of_a_part_counts_its_lines_and_series_by_day(rows: list[tuple[int, str]]) -> None:
    rows = list(dict.fromkeys(rows))
    expected: dict[str, list[str]] = defaultdict(list)
    for hour, region in rows:
        expected[f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour):%Y-%m-%d}"].append(region)
    calendar = calendar_of([hour for hour, _ in rows], [region for _, region in rows])
    assert {day: count[:2] for day, count in calendar.items()} == {
        day: (len(regions), len(set(regions))) for day, regions in expected.items()
    }


def test_a_series_that_begins_before_a_block_ends_is_counted_once_a_day() -> None:
    seconds = [START + second * 1_000_000 for second in range(70_000)]
    table = generation(70_000, timestamp=pa.array(seconds, pa.timestamp("us", "UTC")))
    calendar = convert_table(table).records.take_footprint().calendar
    assert [count[:2] for count in calendar.values()] == [(70_000, 1)]


def test_days_with_the_same_series_and_times_of_day_are_one_run() -> None:
    calendar = calendar_of([*range(72), *range(72)], ["N"] * 72 + ["S"] * 72)
    [(first, periods, points, series, *_)] = encode(calendar)
    assert (first, periods, points, series) == ("2024-01-01", 3, 48, 2)


def test_equal_points_of_two_loads_count_once_and_others_add_up() -> None:
    north, south = (calendar_of(list(range(24)), [region] * 24) for region in ("N", "S"))
    morning, evening = (calendar_of(list(hours), ["N"] * 12) for hours in (range(12), range(12, 24)))
    day = "2024-01-01"
    assert add([north, north], may_repeat=True)[day][:2] == (24, 1)
    assert add([north, south], may_repeat=True)[day][:2] == (48, 2)
    assert add([morning, evening])[day][:2] == (24, 1)
    assert add([morning, evening])[day].points_digest == north[day].points_digest


def test_parts_that_divide_a_load_have_its_digest() -> None:
    whole = calendar_of([*range(30), *range(30)], ["N"] * 30 + ["S"] * 30)
    parts = [calendar_of([*hours, *hours], ["N"] * 15 + ["S"] * 15) for hours in (range(15), range(15, 30))]
    assert add(parts) == whole


def test_a_long_calendar_counts_months() -> None:
    calendar = calendar_of([24 * day for day in range(MAX_DAYS + 1)], ["N"] * (MAX_DAYS + 1))
    assert shorten(calendar) == months(calendar)
    assert [count[:2] for count in list(months(calendar).values())[:2]] == [(31, 1), (29, 1)]


@pytest.mark.parametrize(
    ("first", "last", "periods"),
    [
        ("2024-02-28", "2024-03-01", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        ("2023-12", "2024-01", ["2023-12", "2024-01"]),
    ],
)
def test_all_periods_include_those_without_points(first: str, last: str, periods: list[str]) -> None:
    assert all_periods(dict.fromkeys((last, first), Count(1, 1, 1, 1))) == periods
