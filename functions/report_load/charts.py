"""Each field over time as a line of means in a band from lowest to highest: paths for inline SVG."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from shared.stored import Bucket, Profile

WIDTH, HEIGHT = 720, 110
MAX_BUCKETS = 256
GAP = 2.5
"""So many times the usual distance between buckets with values is a gap."""


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
    while last // width - first // width >= MAX_BUCKETS:
        width *= 2
    names = sorted({name for profile in profiles for name, found in profile["fields"].items() if found})
    return [_chart(name, joined(profiles, name, width), first // width, last // width, width) for name in names]


def joined(profiles: Iterable[Profile], field: str, width: int) -> list[Bucket]:
    """The buckets of all parts, `width` ns each."""
    buckets: dict[int, Bucket] = {}
    for profile in profiles:
        for found in profile["fields"].get(field, []):
            finer = Bucket(*found)
            here = finer._replace(bucket=finer.bucket * profile["bucket_ns"] // width)
            there = buckets.get(here.bucket)
            buckets[here.bucket] = _together(here, there) if there else here
    return sorted(buckets.values())


def _together(one: Bucket, other: Bucket) -> Bucket:
    values = one.values + other.values
    mean = one.mean * (one.values / values) + other.mean * (other.values / values)
    return Bucket(one.bucket, values, min(one.low, other.low), mean, max(one.high, other.high))


def _chart(field: str, buckets: Sequence[Bucket], first: int, last: int, width: int) -> Chart:
    low, high = min(bucket.low for bucket in buckets), max(bucket.high for bucket in buckets)
    values = sum(bucket.values for bucket in buckets)
    scale = _Scale(first, last - first + 1, low, high - low)
    runs, gaps = _runs(buckets), list(_gaps(buckets, first, last))
    return Chart(
        field=field,
        values=values,
        low=low,
        mean=sum(bucket.mean * (bucket.values / values) for bucket in buckets),
        high=high,
        band=" ".join(map(scale.band, runs)),
        line=" ".join(map(scale.line, runs)),
        gaps=[(before * width, after * width) for before, after in gaps],
        gap_spans=[(scale.x(before), round(scale.x(after) - scale.x(before), 1)) for before, after in gaps],
        bucket_ns=width,
    )


def _usual_step(buckets: Sequence[Bucket]) -> float:
    return median([after.bucket - before.bucket for before, after in pairwise(buckets)] or [1])


def _gaps(buckets: Sequence[Bucket], first: int, last: int) -> Iterator[tuple[int, int]]:
    """The first bucket without values and the next one that has some; the file's points are in `first` to `last`."""
    limit = GAP * _usual_step(buckets)
    for before, after in pairwise([first - 1, *(bucket.bucket for bucket in buckets), last + 1]):
        if after - before > limit:
            yield before + 1, after


def _runs(buckets: Sequence[Bucket]) -> list[list[Bucket]]:
    """Cut at the gaps."""
    limit, runs = GAP * _usual_step(buckets), [[buckets[0]]]
    for before, after in pairwise(buckets):
        if after.bucket - before.bucket > limit:
            runs.append([])
        runs[-1].append(after)
    return runs


@dataclass(frozen=True)
class _Scale:
    first: int
    buckets: int
    low: float
    span: float

    def x(self, bucket: float) -> float:
        return round((bucket - self.first) / self.buckets * WIDTH, 1)

    def y(self, value: float) -> float:
        """Upside down, as SVG counts; a field that never changes runs through the middle."""
        share = (value - self.low) / self.span if self.span else 0.5
        return round(HEIGHT - 4 - share * (HEIGHT - 8), 1)

    def line(self, run: list[Bucket]) -> str:
        points = [f"{self.x(bucket.bucket + 0.5)} {self.y(bucket.mean)}" for bucket in run]
        return f"M{'L'.join(points)}" if len(points) > 1 else f"M{points[0]}h1"

    def band(self, run: list[Bucket]) -> str:
        tops = self._corners([(bucket.bucket, bucket.high) for bucket in run])
        bottoms = self._corners([(bucket.bucket, bucket.low) for bucket in run])
        return f"M{'L'.join(tops + bottoms[::-1])}Z"

    def _corners(self, values: list[tuple[int, float]]) -> list[str]:
        """A single bucket is a bar as wide as it is."""
        if len(values) == 1:
            (bucket, value) = values[0]
            return [f"{self.x(bucket)} {self.y(value)}", f"{self.x(bucket + 1)} {self.y(value)}"]
        return [f"{self.x(bucket + 0.5)} {self.y(value)}" for bucket, value in values]
