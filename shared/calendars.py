"""Calendars: how many points and series a load has on each day, short enough for its item in the ledger.

ConvertAndChunk counts the days of a part. `encode` joins equal days that follow each other, and `decode` divides them
again. A calendar of more than MAX_DAYS days counts months instead (`shorten`). `add` sums the calendars of the parts of
a load, and of the loads of a dataset.

A set of series is known by its digest only. Two counts with the same digest have the same series; otherwise their
series are taken to be different ones, so a series in both counts twice.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

MAX_DAYS = 100
"""The days of a calendar that counts days.

A day takes up to 50 bytes of the item, which the index of changes contains too, so `loader history` reads them all.
"""

EPOCH = date(1970, 1, 1)
_MODULUS = 2**32


class Count(NamedTuple):
    """The points and series of a day or a month. Equal digests mean equal points (times of day), or equal series.

    The series of a month are those of the day that has most.
    """

    points: int
    series: int
    points_digest: int
    series_digest: int


Calendar = Mapping[str, Count]
"""The counts by day ("2024-01-31") or by month ("2024-01"); periods without points are absent."""

Periods = tuple[str, int, int, int, int, int]
"""The first of several periods that follow each other, their number, and the `Count` of each: a list in JSON."""


def encode(calendar: Calendar) -> list[Periods]:
    """Join equal periods that follow each other.

    >>> encode({"2024-01-31": Count(24, 1, 5, 6), "2024-02-01": Count(24, 1, 5, 6), "2024-02-03": Count(9, 1, 7, 6)})
    [('2024-01-31', 2, 24, 1, 5, 6), ('2024-02-03', 1, 9, 1, 7, 6)]
    """
    numbered = enumerate(sorted((_number(period), period) for period in calendar))
    runs = groupby(numbered, lambda entry: (entry[1][0] - entry[0], calendar[entry[1][1]]))
    return [_run([period for _, (_, period) in group], count) for (_, count), group in runs]


def _run(periods: list[str], count: Count) -> Periods:
    return (periods[0], len(periods), *count)


def decode(runs: Iterable[Periods]) -> dict[str, Count]:
    """Return the calendar that `encode` has encoded."""
    return {
        period: Count(*count)
        for first, periods, *count in runs
        for period in periods_between(first, _number(first) + periods - 1)
    }


def periods_between(first: str, last: int) -> Iterable[str]:
    """Yield the days or months from `first` to the one with the number `last`."""
    is_month = _is_month(first)
    for number in range(_number(first), last + 1):
        yield f"{number // 12:04}-{number % 12 + 1:02}" if is_month else f"{EPOCH + timedelta(days=number)}"


def all_periods(calendar: Calendar) -> list[str]:
    """Return every day or month from the first to the last one of a calendar."""
    return list(periods_between(min(calendar), _number(max(calendar)))) if calendar else []


def _is_month(period: str) -> bool:
    return len(period) == len("2024-01")


def _number(period: str) -> int:
    """Return the days or months since the beginning of the calendar."""
    if _is_month(period):
        return int(period[:4]) * 12 + int(period[5:]) - 1
    return (date.fromisoformat(period) - EPOCH).days


def months(calendar: Calendar) -> dict[str, Count]:
    """Return the counts by month, of a calendar by day or by month.

    >>> months({"2024-01-30": Count(24, 3, 5, 6), "2024-01-31": Count(9, 2, 7, 8)})
    {'2024-01': Count(points=33, series=3, points_digest=746, series_digest=6)}
    """
    result: dict[str, Count] = {}
    for period, count in calendar.items():
        month, day = period[:7], int(period[8:] or 0)
        # The digest of a day does not depend on the day, so that equal days can be joined; that of a month must.
        digest = count.points_digest * (2 * day + 1) if day else count.points_digest
        former = result.get(month, Count(0, 0, 0, 0))
        most = max(former, count, key=lambda one: one.series)
        points_digest = (former.points_digest + digest) % _MODULUS
        result[month] = Count(former.points + count.points, most.series, points_digest, most.series_digest)
    return result


def shorten(calendar: Calendar) -> Calendar:
    """Return the calendar, by month if it has more than MAX_DAYS days."""
    return months(calendar) if len(calendar) > MAX_DAYS else calendar


def add(calendars: Iterable[Calendar], *, may_repeat: bool = False) -> dict[str, Count]:
    """Sum calendars, by month if one of them is.

    Args:
        calendars: The calendars of the parts of a load, or of several loads.
        may_repeat: Count equal points of several calendars once, as InfluxDB stores them once.
    """
    calendars = list(calendars)
    if any(_is_month(next(iter(calendar), "")) for calendar in calendars):
        calendars = [months(calendar) for calendar in calendars]
    counts: dict[str, list[Count]] = {}
    for calendar in calendars:
        for period, count in calendar.items():
            counts.setdefault(period, []).append(count)
    return {period: _sum(set(each) if may_repeat else each) for period, each in sorted(counts.items())}


def _sum(counts: Iterable[Count]) -> Count:
    series: dict[int, int] = {}
    points, digest = 0, 0
    for count in counts:
        points, digest = points + count.points, digest + count.points_digest
        series[count.series_digest] = max(count.series, series.get(count.series_digest, 0))
    return Count(points, sum(series.values()), digest % _MODULUS, sum(series) % _MODULUS)
