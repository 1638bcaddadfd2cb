"""Times as a person and as a program read them."""

import doctest
from datetime import UTC, datetime, timedelta, timezone

import pytest

from cli import moments
from cli.moments import Moment, ago, iso_time

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(moments).failed == 0


def test_a_time_of_any_zone_is_shown_in_utc_next_to_its_age() -> None:
    time = datetime(2024, 1, 31, 8, 59, 30, tzinfo=timezone(timedelta(hours=-3)))
    moment = Moment(time, NOW)
    assert moment.short() == "11:59, 30 s ago"
    assert moment.full() == "2024-01-31 11:59:30, 30 s ago"
    assert moment.iso() == "2024-01-31T11:59:30Z"


def test_an_earlier_year_is_named() -> None:
    assert Moment(NOW - timedelta(days=400), NOW).short() == "2022-12-27, 400 d ago"


def test_nanoseconds_are_a_time_also_before_1970_and_after_2262() -> None:
    assert iso_time(1_704_067_200_999_999_999) == "2024-01-01T00:00:00Z"
    assert iso_time(-1_000_000_000) == "1969-12-31T23:59:59Z"
    assert iso_time(10_000_000_000 * 10**9) == "2286-11-20T17:46:40Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_an_age_has_its_largest_unit(seconds: int, text: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text
