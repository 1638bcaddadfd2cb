"""The charts of the report page: each field over time, as paths for inline SVG.

`charts` merges the profiles of all parts into bins of one width (`merge_bins`), cuts them where values are missing
(`_gaps`, `_runs`), and draws each run as a line of means inside a band from minimum to maximum (`_Scale`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from shared.profiles import Bin, Profile

WIDTH, HEIGHT = 720, 110
MAX_BINS = 256
GAP = 2.5
"""A gap is this many times the usual distance between bins with values, or more."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The chart of one field.

    Attributes:
        field: The name of the field.
        values: The number of values.
        low: The minimum.
        mean: The mean.
        high: The maximum.
        band: The SVG path of the band from minimum to maximum, in a view box of WIDTH by HEIGHT.
        line: The SVG path of the means.
        gaps: The gaps as (start, end) in ns since 1970.
        gap_spans: The gaps as (x, width) in the view box.
        bin_ns: The time in ns that each point of the paths covers.
    """

    field: str
    values: int
    low: float
    mean: float
    high: float
    band: str
    line: str
    gaps: list[tuple[int, int]]
    gap_spans: list[tuple[float, float]]
    bin_ns: int


def charts(profiles: Sequence[Profile]) -> list[Chart]:
    """Return a chart for each field that has values."""
    if not profiles:
        return []
    first = min(profile["first_ns"] for profile in profiles)
    last = max(profile["last_ns"] for profile in profiles)
    width = max(profile["bucket_ns"] for profile in profiles)
    while last // width - first // width >= MAX_BINS:
        width *= 2
    names = sorted({name for profile in profiles for name, bins in profile["fields"].items() if bins})
    return [_chart(name, merge_bins(profiles, name, width), first // width, last // width, width) for name in names]


def merge_bins(profiles: Iterable[Profile], field: str, width: int) -> list[Bin]:
    """Merge the bins of all parts into bins of `width` ns.

    Example with `width` = 2 h, where one part has bins of 1 h: bins 4 and 5 of that part cover hours 4 and 5, so both
    are merged into bin 2.

    Args:
        profiles: The profiles of the parts. The width of each one's bins divides `width`.
        field: The name of the field.
        width: The width of the merged bins in ns.
    """
    bins: dict[int, Bin] = {}
    for profile in profiles:
        for stored in profile["fields"].get(field, []):
            finer = Bin(*stored)  # JSON has no named tuples
            bin_ = finer._replace(number=finer.number * profile["bucket_ns"] // width)
            other = bins.get(bin_.number)
            bins[bin_.number] = _merge(bin_, other) if other else bin_
    return sorted(bins.values())


def _merge(one: Bin, other: Bin) -> Bin:
    values = one.values + other.values
    # Weighted means instead of sums of values, which could overflow.
    mean = one.mean * (one.values / values) + other.mean * (other.values / values)
    return Bin(one.number, values, min(one.low, other.low), mean, max(one.high, other.high))


def _chart(field: str, bins: Sequence[Bin], first: int, last: int, width: int) -> Chart:
    low, high = min(bin_.low for bin_ in bins), max(bin_.high for bin_ in bins)
    values = sum(bin_.values for bin_ in bins)
    scale = _Scale(first, last - first + 1, low, high - low)
    runs, gaps = _runs(bins), list(_gaps(bins, first, last))
    return Chart(
        field=field,
        values=values,
        low=low,
        mean=sum(bin_.mean * (bin_.values / values) for bin_ in bins),
        high=high,
        band=" ".join(map(scale.band, runs)),
        line=" ".join(map(scale.line, runs)),
        gaps=[(before * width, after * width) for before, after in gaps],
        gap_spans=[(scale.x(before), round(scale.x(after) - scale.x(before), 1)) for before, after in gaps],
        bin_ns=width,
    )


def _usual_step(bins: Sequence[Bin]) -> float:
    return median([after.number - before.number for before, after in pairwise(bins)] or [1])


def _gaps(bins: Sequence[Bin], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield each gap as the number of its first bin without values, and of the next bin that has some.

    Example: with values in bins 10, 11 and 12, and points of other fields in bins 0 to 21, it yields (0, 10) and
    (13, 22).
    """
    limit = GAP * _usual_step(bins)
    for before, after in pairwise([first - 1, *(bin_.number for bin_ in bins), last + 1]):
        if after - before > limit:
            yield before + 1, after


def _runs(bins: Sequence[Bin]) -> list[list[Bin]]:
    """Divide the bins into runs without a gap."""
    limit, runs = GAP * _usual_step(bins), [[bins[0]]]
    for before, after in pairwise(bins):
        if after.number - before.number > limit:
            runs.append([])
        runs[-1].append(after)
    return runs


@dataclass(frozen=True)
class _Scale:
    """Converts bin numbers and values to coordinates of the view box."""

    first: int
    bins: int
    low: float
    span: float

    def x(self, bin_: float) -> float:
        return round((bin_ - self.first) / self.bins * WIDTH, 1)

    def y(self, value: float) -> float:
        """Return the y coordinate. SVG counts downward. A field with only one value is drawn in the middle."""
        share = (value - self.low) / self.span if self.span else 0.5
        return round(HEIGHT - 4 - share * (HEIGHT - 8), 1)

    def line(self, run: list[Bin]) -> str:
        points = [f"{self.x(bin_.number + 0.5)} {self.y(bin_.mean)}" for bin_ in run]
        return f"M{'L'.join(points)}" if len(points) > 1 else f"M{points[0]}h1"

    def band(self, run: list[Bin]) -> str:
        tops = self._corners([(bin_.number, bin_.high) for bin_ in run])
        bottoms = self._corners([(bin_.number, bin_.low) for bin_ in run])
        return f"M{'L'.join(tops + bottoms[::-1])}Z"

    def _corners(self, values: list[tuple[int, float]]) -> list[str]:
        """Return the points of one edge of the band. A run of a single bin is drawn as a bar of the bin's width."""
        if len(values) == 1:
            (bin_, value) = values[0]
            return [f"{self.x(bin_)} {self.y(value)}", f"{self.x(bin_ + 1)} {self.y(value)}"]
        return [f"{self.x(bin_ + 0.5)} {self.y(value)}" for bin_, value in values]
