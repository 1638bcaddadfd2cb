"""Times as an operator types them."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.errors import RefusedError
from cli.times import parse_time


def test_times_are_relative_or_absolute() -> None:
    now = datetime.now(UTC)
    assert parse_time("") is None
    assert parse_time("2024-01-31T12:00") == datetime(2024, 1, 31, 12, tzinfo=UTC)
    assert parse_time("2024-01-31T12:00-03:00") == datetime(2024, 1, 31, 15, tzinfo=UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    assert parse_time("today") == midnight
    assert parse_time("yesterday") == midnight - timedelta(days=1)
    recent = parse_time("2d")
    assert recent is not None
    assert timedelta(0) <= recent - (now - timedelta(days=2)) < timedelta(minutes=1)


@pytest.mark.parametrize("text", ["tomorrow", "2 d", "d2", "1y", "-1d"])
def test_anything_else_is_not_a_time(text: str) -> None:
    with pytest.raises(RefusedError, match="is not a time: use 90m, 6h, 2d, yesterday or 2024-01-31T12:00"):
        parse_time(text)
