"""The times that a dataset considers plausible.

Times in the wrong unit are valid times: milliseconds read as microseconds lie in January 1970. So each dataset limits
its times. The limits depend on the dataset and on the version of the object only, so that the same object always gives
the same points, whenever it is loaded.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from shared.datasets import Dataset
from shared.events import Part

DAYS_AHEAD = 3_653
"""Ten years: the default of the latest plausible time, counted from when the object was last modified."""

UNITS_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""The units of times in ns."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimeLimits(NamedTuple):
    """The earliest and the latest plausible time, in ns since 1970."""

    earliest_ns: int
    latest_ns: int

    def include(self, first_ns: int, last_ns: int) -> bool:
        """Return whether all times from `first_ns` to `last_ns` are plausible."""
        return self.earliest_ns <= first_ns <= last_ns <= self.latest_ns

    def __str__(self) -> str:
        return f"{format_time(self.earliest_ns)} and {format_time(self.latest_ns)}"


NO_LIMITS = TimeLimits(-(2**63), 2**63 - 1)
"""Limits that include every time."""


def time_limits(dataset: Dataset, last_modified: int) -> TimeLimits:
    """Return the limits for one version of an object.

    Args:
        dataset: the dataset, which may declare limits.
        last_modified: when the object was last modified, in seconds since 1970.
    """
    ahead_ns = (last_modified + DAYS_AHEAD * 86_400) * 10**9
    return TimeLimits(_ns(dataset.earliest), _ns(dataset.latest) if dataset.latest else ahead_ns)


def part_limits(dataset: Dataset, part: Part) -> TimeLimits:
    """Return the limits for a part. A part that an earlier release planned has none, as it had when it was loaded."""
    return time_limits(dataset, part["last_modified"]) if "last_modified" in part else NO_LIMITS


def plausible_units(first: int, last: int, limits: TimeLimits) -> Iterator[tuple[str, str]]:
    """Yield the units in which integers from `first` to `last` are plausible times, each with these times as text.

    >>> from shared.datasets import DATASETS
    >>> limits = time_limits(DATASETS["generation"], last_modified=1_704_067_200)
    >>> list(plausible_units(1_704_067_200_000, 1_704_070_800_000, limits))
    [('ms', '2024-01-01 00:00 to 2024-01-01 01:00')]
    """
    for unit, ns in UNITS_NS.items():
        if limits.include(first * ns, last * ns):
            yield unit, format_span(first * ns, last * ns)


def unit_hint(first_ns: int, last_ns: int, limits: TimeLimits) -> str:
    """Return how times that are not plausible would become plausible in another unit, or "" if they would not.

    >>> from shared.datasets import DATASETS
    >>> limits = time_limits(DATASETS["generation"], last_modified=1_704_067_200)
    >>> unit_hint(1_704_067_200_000_000, 1_704_070_800_000_000, limits)
    'in a unit 1,000 times as long, they would be 2024-01-01 00:00 to 2024-01-01 01:00'
    """
    for factor in (10**3, 10**6, 10**9):
        if limits.include(first_ns * factor, last_ns * factor):
            span = format_span(first_ns * factor, last_ns * factor)
            return f"in a unit {factor:,} times as long, they would be {span}"
        if limits.include(first_ns // factor, last_ns // factor):
            span = format_span(first_ns // factor, last_ns // factor)
            return f"in a unit {factor:,} times as short, they would be {span}"
    return ""


def format_span(first_ns: int, last_ns: int) -> str:
    """Return two times as text, to the minute in UTC."""
    return f"{format_time(first_ns)} to {format_time(last_ns)}"


def format_time(time_ns: int) -> str:
    """Return a time as text, to the minute in UTC."""
    return f"{_EPOCH + timedelta(minutes=time_ns // (60 * 10**9)):%Y-%m-%d %H:%M}"


def _ns(day: date) -> int:
    return (day - _EPOCH.date()).days * 86_400 * 10**9
