"""The days that the loaded files of a dataset cover, from the calendars in the ledger.

`measure_coverage` sums the calendars of the newest loaded version of each file. Equal points of several files count
once. `stretches` joins periods that follow each other and have equal counts, for a short table.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from statistics import median_low
from typing import NamedTuple

from shared.calendars import Calendar, add, all_periods, decode, shorten
from shared.ledger import LedgerItem, is_newer


class Period(NamedTuple):
    """A day or a month of a dataset, and how many of its files with points in it are partly loaded."""

    period: str
    points: int
    series: int
    partly_loaded: int


@dataclass(frozen=True)
class Coverage:
    """The coverage of one dataset.

    Attributes:
        dataset: The name of the dataset.
        files: The number of files that are loaded.
        partly_loaded: The objects that are partly loaded.
        unknown: The objects that a former release loaded, whose days the ledger does not have.
        periods: All days, or months, from the first to the last one with points.
        usual_series: The usual number of series: the median over the periods that have points.
    """

    dataset: str
    files: int
    partly_loaded: list[str]
    unknown: list[str]
    periods: list[Period]
    usual_series: int

    def missing_series(self, period: Period) -> int:
        """Return how many of the usual series have no points in the period."""
        return max(0, self.usual_series - period.series)

    @property
    def gaps(self) -> list[Period]:
        """The periods that lack series."""
        return [period for period in self.periods if self.missing_series(period)]


class Stretch(NamedTuple):
    """Periods that follow each other and have the same counts."""

    first: Period
    last: Period
    periods: int


def measure_coverage(items: Iterable[LedgerItem]) -> list[Coverage]:
    """Return the coverage of each dataset.

    Args:
        items: The loaded versions of objects; of several versions of one object, only the newest counts.
    """
    versions: dict[str, list[LedgerItem]] = {}
    for item in items:
        versions.setdefault(item["object"], []).append(item)
    newest = [reduce(lambda last, item: item if is_newer(item, last) else last, each) for each in versions.values()]
    datasets = sorted({item["dataset"] for item in newest})
    return [_coverage(name, [item for item in newest if item["dataset"] == name]) for name in datasets]


def _coverage(dataset: str, items: list[LedgerItem]) -> Coverage:
    calendars = {item["object"]: decode(json.loads(item["calendar"])) for item in items if item.get("calendar")}
    partly_loaded = sorted(item["object"] for item in items if item.get("verdict") == "partly loaded")
    total = shorten(add(calendars.values(), may_repeat=True))
    partly = _count_files(total, [calendars[name] for name in partly_loaded if name in calendars])
    periods = [
        Period(period, *(total[period][:2] if period in total else (0, 0)), partly[period])
        for period in all_periods(total)
    ]
    return Coverage(
        dataset=dataset,
        files=len(items),
        partly_loaded=partly_loaded,
        unknown=sorted(item["object"] for item in items if item["object"] not in calendars),
        periods=periods,
        usual_series=median_low(series) if (series := [count.series for count in total.values()]) else 0,
    )


def _count_files(total: Calendar, calendars: Iterable[Calendar]) -> Counter[str]:
    """Return how many of the calendars have points in each period of `total`, which may have months for their days."""
    width = len(next(iter(total), ""))
    return Counter(period for calendar in calendars for period in {day[:width] for day in calendar})


def stretches(periods: Iterable[Period]) -> list[Stretch]:
    """Join periods that follow each other and have the same counts."""
    groups = (list(group) for _, group in groupby(periods, lambda period: period[1:]))
    return [Stretch(group[0], group[-1], len(group)) for group in groups]
