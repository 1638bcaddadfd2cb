"""Bins of a field over time: those of all parts merged, and divided where values are missing."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from shared.profiles import Bin

MAX_BINS = 256
"""The maximum number of bins of a line."""

GAP = 2.5
"""A gap is this many times the usual distance between bins with values, or more."""


def drawn_width(width: int, first_ns: int, last_ns: int) -> int:
    """Return the width of bins to draw: the one of the parts, doubled until a file of many parts has few enough."""
    while last_ns // width - first_ns // width >= MAX_BINS:
        width *= 2
    return width


def merge_bins(parts: Iterable[tuple[int, Sequence[Bin]]], width: int) -> list[Bin]:
    """Merge the bins of all parts into bins of `width` ns.

    Example with `width` = 2 h, where one part has bins of 1 h: bins 4 and 5 of that part cover hours 4 and 5, so both
    are merged into bin 2.

    Args:
        parts: The width in ns of the bins of each part, which divides `width`, and the bins.
        width: The width of the merged bins in ns.
    """
    bins: dict[int, Bin] = {}
    for part_width, stored_bins in parts:
        for stored in stored_bins:
            finer = Bin(*stored)  # JSON has no named tuples
            bin_ = finer._replace(number=finer.number * part_width // width)
            other = bins.get(bin_.number)
            bins[bin_.number] = _merge(bin_, other) if other else bin_
    return sorted(bins.values())


def _merge(one: Bin, other: Bin) -> Bin:
    values = one.values + other.values
    # Weighted means instead of sums of values, which could overflow.
    mean = one.mean * (one.values / values) + other.mean * (other.values / values)
    return Bin(one.number, values, min(one.low, other.low), mean, max(one.high, other.high))


def _usual_step(bins: Sequence[Bin]) -> float:
    return median([after.number - before.number for before, after in pairwise(bins)] or [1])


def gaps(bins: Sequence[Bin], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield each gap as the number of its first bin without values, and of the next bin that has some.

    Example: with values in bins 10, 11 and 12, and points of other fields in bins 0 to 21, it yields (0, 10) and
    (13, 22).
    """
    limit = GAP * _usual_step(bins)
    for before, after in pairwise([first - 1, *(bin_.number for bin_ in bins), last + 1]):
        if after - before > limit:
            yield before + 1, after


def runs(bins: Sequence[Bin]) -> list[list[Bin]]:
    """Divide the bins into runs without a gap."""
    limit, divided = GAP * _usual_step(bins), [[bins[0]]]
    for before, after in pairwise(bins):
        if after.number - before.number > limit:
            divided.append([])
        divided[-1].append(after)
    return divided
