"""Each field over time as a line of means in a band from lowest to highest: paths for inline SVG."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from shared.stored import Bin, Profile

WIDTH, HEIGHT = 720, 110
MAX_BINS = 256
GAP = 2.5
"""So many times the usual distance between bins with values is a gap."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """`band` and `line` are SVG paths in WIDTH by HEIGHT; `gaps` are (from, to) in ns, `gap_spans` (x, width).

    `bucket_ns` is what each of their points stands for.
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
    bucket_ns: int


def charts(profiles: Sequence[Profile]) -> list[Chart]:
    """One for each field that has values."""
    if not profiles:
        return []
    first = min(profile["first_ns"] for profile in profiles)
    last = max(profile["last_ns"] for profile in profiles)
    width = max(profile["bucket_ns"] for profile in profiles)
    while last // width - first // width >= MAX_BINS:
        width *= 2
    names = sorted({name for profile in profiles for name, found in profile["fields"].items() if found})
    return [_chart(name, joined(profiles, name, width), first // width, last // width, width) for name in names]


def joined(profiles: Iterable[Profile], field: str, width: int) -> list[Bin]:
    """The bins of all parts, `width` ns each."""
    bins: dict[int, Bin] = {}
    for profile in profiles:
        for found in profile["fields"].get(field, []):
            finer = Bin(*found)
            here = finer._replace(number=finer.number * profile["bucket_ns"] // width)
            there = bins.get(here.number)
            bins[here.number] = _together(here, there) if there else here
    return sorted(bins.values())


def _together(one: Bin, other: Bin) -> Bin:
    values = one.values + other.values
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
        bucket_ns=width,
    )


def _usual_step(bins: Sequence[Bin]) -> float:
    return median([after.number - before.number for before, after in pairwise(bins)] or [1])


def _gaps(bins: Sequence[Bin], first: int, last: int) -> Iterator[tuple[int, int]]:
    """The first bin without values and the next one that has some; the file's points are in `first` to `last`."""
    limit = GAP * _usual_step(bins)
    for before, after in pairwise([first - 1, *(bin_.number for bin_ in bins), last + 1]):
        if after - before > limit:
            yield before + 1, after


def _runs(bins: Sequence[Bin]) -> list[list[Bin]]:
    """Cut at the gaps."""
    limit, runs = GAP * _usual_step(bins), [[bins[0]]]
    for before, after in pairwise(bins):
        if after.number - before.number > limit:
            runs.append([])
        runs[-1].append(after)
    return runs


@dataclass(frozen=True)
class _Scale:
    first: int
    bins: int
    low: float
    span: float

    def x(self, bin_: float) -> float:
        return round((bin_ - self.first) / self.bins * WIDTH, 1)

    def y(self, value: float) -> float:
        """Upside down, as SVG counts; a field that never changes runs through the middle."""
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
        """A single bin is a bar as wide as it is."""
        if len(values) == 1:
            (bin_, value) = values[0]
            return [f"{self.x(bin_)} {self.y(value)}", f"{self.x(bin_ + 1)} {self.y(value)}"]
        return [f"{self.x(bin_ + 0.5)} {self.y(value)}" for bin_, value in values]
