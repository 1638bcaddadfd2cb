"""Retry-After: seconds, a date, or nothing that can be used."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.influx_answers import YEAR_S, HttpReply, interpret, retry_after_s

NOW = datetime(2024, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 120 ", 120),
        ("\t120", 120),
        (" Mon, 01 Jan 2024 12:00:30 GMT ", 30),
        ("0", 0),
        ("Mon, 01 Jan 2024 12:00:30 GMT", 30),
        ("Monday, 01-Jan-24 12:00:30 GMT", 30),
        ("Mon, 01 Jan 2024 14:00:30 +0200", 30),
        ("Mon, 01 Jan 2024 11:00:00 GMT", 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("Mon, 99 Jan 2024 12:00:30 GMT", 0),
        ("Mon, 01 Jan 2024 12:00:30 +999999999999999999", 0),
        ("9" * 400, YEAR_S),
        ("Fri, 31 Dec 9999 23:59:59 GMT", YEAR_S),
    ],
)
def test_a_header_may_be_a_number_of_seconds(header: str, seconds: float) -> None:
    assert retry_after_s(header, NOW) == seconds


@given(st.text())
def test_no_header_breaks_the_load(header: str) -> None:
    assert 0 <= retry_after_s(header, NOW) <= YEAR_S


@given(st.integers(0, 10**6))
def test_a_date_is_kept_to_the_second(seconds: int) -> None:
    assert retry_after_s(format_datetime(NOW + timedelta(seconds=seconds), usegmt=True), NOW) == seconds


def test_the_header_is_found_in_the_answer() -> None:
    assert interpret(HttpReply(status=503, headers={"Retry-After": "9"})).retry_after_s == 9
    assert interpret(HttpReply(status=503, headers={"Retry-After": "\t 9 "})).retry_after_s == 9
