"""The summary of stale points for people: how many, in which series and times, with examples."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from shared.footprints import Footprint
from shared.stale.loads import Loads
from shared.stale.report import EXAMPLES, NAMED, StaleExample, StaleReport, StaleSeries
from shared.stale.search import StaleKind, StalePart
from shared.times import utc_ns


class SeriesSpan(NamedTuple):
    """The stale points of one series: how many, and their first and last time in ns."""

    points: int
    first_ns: int
    last_ns: int


@dataclass
class StaleSummary:
    """What the parts that were added have, without the points themselves."""

    counts: dict[StaleKind, int] = field(default_factory=lambda: {"stored": 0, "uncertain": 0, "rejected": 0})
    series: dict[str, SeriesSpan] = field(default_factory=dict)
    examples: list[StaleExample] = field(default_factory=list)

    def add(self, parts: Iterable[StalePart]) -> None:
        """Count the points of some parts. Series and examples are those of stored points only."""
        for part in parts:
            self.counts[part.kind] += len(part.points.points.time)
            if part.kind == "stored":
                self._add_series(part.points)
                self._add_examples(part.points)

    def report(self, loads: Loads) -> StaleReport:
        """Return the report of a search among these loads."""
        not_checkable, unknown = sorted(set(loads.not_checkable)), sorted(set(loads.unknown))
        most = sorted(self.series, key=lambda name: (-self.series[name].points, name))[:NAMED]
        return {
            "points": self.counts["stored"],
            "uncertain": self.counts["uncertain"],
            "rejected": self.counts["rejected"],
            "series_count": len(self.series),
            "series": [self._stale_series(name) for name in most],
            "examples": self.examples,
            "not_checkable": not_checkable[:NAMED],
            "not_checkable_count": len(not_checkable),
            "unknown": unknown[:NAMED],
            "unknown_count": len(unknown),
            "not_judged": sorted(set(loads.not_judged))[:NAMED],
            "running": sorted(set(loads.running))[:NAMED],
        }

    def _stale_series(self, name: str) -> StaleSeries:
        span = self.series[name]
        times = {"first_time": utc_ns(span.first_ns), "last_time": utc_ns(span.last_ns)}
        return {"series": name, "points": span.points, **times}  # type: ignore[typeddict-item]

    def _add_series(self, footprint: Footprint) -> None:
        """Count the points by series. The points are sorted by series and time."""
        _, first, counts = np.unique(footprint.points.numbers, return_index=True, return_counts=True)
        time, last = footprint.points.time, first + counts - 1
        for name, count, low, high in zip(
            footprint.series, counts.tolist(), time[first].tolist(), time[last].tolist(), strict=True
        ):
            former = self.series.get(name, SeriesSpan(0, low, high))
            span = SeriesSpan(former.points + count, min(former.first_ns, low), max(former.last_ns, high))
            self.series[name] = span

    def _add_examples(self, footprint: Footprint) -> None:
        rows = zip(*(column[: EXAMPLES - len(self.examples)].tolist() for column in footprint.points), strict=True)
        for number, time_ns, fields in rows:
            names = [name for bit, name in enumerate(footprint.names) if fields >> bit & 1]
            self.examples.append({"series": footprint.series[number], "time": utc_ns(time_ns), "fields": names})
