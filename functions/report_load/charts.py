"""The charts of the report page: each field over time, as paths for inline SVG.

`charts` merges the profiles of all parts into bins of one width, cuts them where values are missing, and draws each run
as a band from minimum to maximum. Inside the band is a line of means for each group of series, or one for all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from functions.report_load.bins import drawn_width, gaps, merge_bins, runs
from functions.report_load.group_lines import GroupLine, Groups, group_lines, groups_of
from functions.report_load.scale import Scale
from shared.profiles import Bin, Profile


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
        line: The SVG path of the means of all series.
        group_tag: The tag whose values are the groups; "" if there are none.
        groups: The lines of the groups, which replace `line`.
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
    group_tag: str
    groups: list[GroupLine]
    gaps: list[tuple[int, int]]
    gap_spans: list[tuple[float, float]]
    bin_ns: int


class _Axis(NamedTuple):
    """The bins of a chart: the number of the first and of the last one, and their width in ns."""

    first: int
    last: int
    bin_ns: int


def charts(profiles: Sequence[Profile]) -> list[Chart]:
    """Return a chart for each field that has values."""
    if not profiles:
        return []
    first = min(profile["first_ns"] for profile in profiles)
    last = max(profile["last_ns"] for profile in profiles)
    width = drawn_width(max(profile["bucket_ns"] for profile in profiles), first, last)
    names = sorted({name for profile in profiles for name, bins in profile["fields"].items() if bins})
    groups = groups_of(profiles, first, last)
    bins = {name: merge_bins(_bins_of(profiles, name), width) for name in names}
    axis = _Axis(first // width, last // width, width)
    return [_chart(name, bins[name], axis, groups) for name in names]


def _bins_of(profiles: Iterable[Profile], field: str) -> list[tuple[int, list[Bin]]]:
    return [(profile["bucket_ns"], profile["fields"].get(field, [])) for profile in profiles]


def _chart(field: str, bins: Sequence[Bin], axis: _Axis, groups: Groups | None) -> Chart:
    low, high = min(bin_.low for bin_ in bins), max(bin_.high for bin_ in bins)
    values = sum(bin_.values for bin_ in bins)
    scale = Scale(axis.first, axis.last - axis.first + 1, low, high - low)
    stretches, missing = runs(bins), list(gaps(bins, axis.first, axis.last))
    return Chart(
        field=field,
        values=values,
        low=low,
        mean=sum(bin_.mean * (bin_.values / values) for bin_ in bins),
        high=high,
        band=" ".join(map(scale.band, stretches)),
        line=" ".join(map(scale.line, stretches)),
        group_tag=groups.tag if groups else "",
        groups=group_lines(groups, field, scale, axis.bin_ns) if groups else [],
        gaps=[(before * axis.bin_ns, after * axis.bin_ns) for before, after in missing],
        gap_spans=[(scale.x(before), round(scale.x(after) - scale.x(before), 1)) for before, after in missing],
        bin_ns=axis.bin_ns,
    )
