"""The lines of a chart: one for each group of series, so that hydro and solar power are not one line.

A group has one value of a tag, which ConvertAndChunk chose. If the parts of a file have different tags, or none, there
are no groups.
"""

from collections.abc import Sequence
from typing import NamedTuple

from functions.report_load.bins import drawn_width, merge_bins, runs
from functions.report_load.scale import Scale
from shared.profiles import Bin, GroupProfile, Profile


class GroupLine(NamedTuple):
    """The line of one group: the value of the tag, and the SVG path of the means."""

    name: str
    path: str


class Groups(NamedTuple):
    """The groups of all parts.

    Attributes:
        tag: The name of the tag.
        profiles: The profile of each part.
        bin_ns: The width of the bins to draw in ns.
    """

    tag: str
    profiles: list[GroupProfile]
    bin_ns: int


def groups_of(profiles: Sequence[Profile], first_ns: int, last_ns: int) -> Groups | None:
    """Return the groups of a file, from the profiles of its parts; None if it has none."""
    groups = [profile["groups"] for profile in profiles if "groups" in profile]
    tags = {group["tag"] for group in groups}
    if len(groups) < len(profiles) or len(tags) != 1:
        return None
    return Groups(tags.pop(), groups, drawn_width(max(group["bucket_ns"] for group in groups), first_ns, last_ns))


def group_lines(groups: Groups, field: str, scale: Scale, bin_ns: int) -> list[GroupLine]:
    """Return a line for each group that has values of a field, in the order of their names.

    Args:
        groups: The groups of the file.
        field: The name of the field.
        scale: The scale of the chart.
        bin_ns: The width of the chart's bins.
    """
    names = sorted({name for profile in groups.profiles for name in profile["fields"].get(field, {})})
    bins = {name: merge_bins(_bins_of(groups, field, name), groups.bin_ns) for name in names}
    return [
        GroupLine(name, " ".join(scale.line(run, groups.bin_ns / bin_ns) for run in runs(some)))
        for name, some in bins.items()
        if some
    ]


def _bins_of(groups: Groups, field: str, name: str) -> list[tuple[int, list[Bin]]]:
    return [(profile["bucket_ns"], profile["fields"].get(field, {}).get(name, [])) for profile in groups.profiles]
