"""The coverage of a dataset: the days of the newest loaded version of each file, their gaps and their stretches."""

import json
from cProfile import Profile
from pstats import Stats
from typing import Any

from cli.coverage import measure_coverage, stretches
from shared.calendars import MAX_DAYS
from tests.support.ledger_entries import item


def loaded(key: str, *runs: list[Any], written: int = 0, **more: Any) -> Any:
    return item(key, "loaded", 1, written=written, calendar=json.dumps(runs), **more)


def test_a_day_without_points_and_a_day_with_fewer_series_are_gaps() -> None:
    [coverage] = measure_coverage(
        [loaded("a", ["2024-01-01", 3, 48, 2, 5, 6], ["2024-01-05", 1, 24, 1, 7, 8], ["2024-01-06", 1, 48, 2, 5, 6])]
    )
    assert coverage.usual_series == 2
    assert [(day.period, day.points, coverage.missing_series(day)) for day in coverage.gaps] == [
        ("2024-01-04", 0, 2),
        ("2024-01-05", 24, 1),
    ]
    assert [(one.first.period, one.last.period, one.periods) for one in stretches(coverage.periods)] == [
        ("2024-01-01", "2024-01-03", 3),
        ("2024-01-04", "2024-01-04", 1),
        ("2024-01-05", "2024-01-05", 1),
        ("2024-01-06", "2024-01-06", 1),
    ]


def test_only_the_newest_version_of_a_file_counts_and_equal_points_of_two_files_count_once() -> None:
    old, new = ["2024-01-01", 9, 24, 1, 1, 1], ["2024-01-01", 1, 48, 2, 2, 2]
    items = [loaded("a", old, written=1, version="v1"), loaded("a", new, written=2, version="v2"), loaded("b", new)]
    [coverage] = measure_coverage(items)
    assert (coverage.files, [day[:3] for day in coverage.periods]) == (2, [("2024-01-01", 48, 2)])


def test_files_that_are_partly_loaded_or_have_no_calendar_are_named() -> None:
    items = [loaded("a", ["2024-01-01", 2, 24, 1, 1, 1], verdict="partly loaded"), item("b", "loaded", 1)]
    [coverage] = measure_coverage(items)
    assert [name.rpartition("/")[2] for name in (*coverage.partly_loaded, *coverage.unknown)] == ["a", "b"]
    assert [day.partly_loaded for day in coverage.periods] == [1, 1]


def test_a_long_span_is_shown_by_month() -> None:
    items = [loaded("a", ["2023-01-01", MAX_DAYS + 1, 24, 1, 1, 1], verdict="partly loaded")]
    [coverage] = measure_coverage(items)
    assert [day.period for day in coverage.periods][:2] == ["2023-01", "2023-02"]
    assert {day.partly_loaded for day in coverage.periods} == {1}


def function_calls(loads: int) -> int:
    """Return how many function calls measure the coverage of so many files with irregular days."""
    irregular = [[f"2024-01-{day:02}", 1, 24_000 + day, 1000, day, 1] for day in range(1, 32)]
    items, profile = [loaded(f"{number}", *irregular) for number in range(loads)], Profile()
    profile.runcall(measure_coverage, items)
    return int(vars(Stats(profile))["total_calls"])


def test_the_work_grows_with_the_number_of_loads_and_not_with_its_square() -> None:
    assert function_calls(200) < 2.2 * function_calls(100)
