"""Times for people: an age next to the time in UTC, as long as the terminal has room for."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple


class Moment(NamedTuple):
    """A time in the past, seen from `now`."""

    time: datetime
    now: datetime

    def short(self) -> str:
        """Return the hour of a time of the last day, or the date of an earlier one, and the age.

        >>> noon = datetime(2024, 1, 31, 12, tzinfo=UTC)
        >>> Moment(noon - timedelta(minutes=3), noon).short(), Moment(noon - timedelta(days=2), noon).short()
        ('11:57, 3 min ago', '01-29, 2 d ago')
        """
        age = self.now - self.time
        form = "%H:%M" if age < timedelta(days=1) else "%m-%d" if age < timedelta(days=300) else "%Y-%m-%d"
        return f"{self.time.astimezone(UTC):{form}}, {ago(self.time, self.now)}"

    def full(self) -> str:
        """Return the time in UTC to the second, and the age."""
        return f"{self.time.astimezone(UTC):%Y-%m-%d %H:%M:%S}, {ago(self.time, self.now)}"

    def iso(self) -> str:
        """Return the time as ISO 8601 in UTC, for programs."""
        return f"{self.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago `then` was, in its largest unit: "3 min ago"."""
    seconds = int((now - then).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{max(0, seconds)} s ago"


def iso_time(time_ns: int) -> str:
    """Return nanoseconds since 1970 as an ISO 8601 time in UTC, to the second."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)).strftime("%Y-%m-%dT%H:%M:%SZ")
