"""The profile of a part: a few numbers per field and bin of time, for the charts of the report.

`profile` chooses the width of the bins (`_widths`), sorts blocks of rows by group and bin, and adds each block to the
`FieldBins` of each field. `_group_profile` merges the bins of each group, of which fewer are drawn.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from functions.convert_and_chunk.field_bins import FieldBins
from shared.profiles import GroupProfile, Profile

MAX_BINS = 256
"""The maximum number of bins of a part: 3 hours wide for a month, 2 days wide for a year."""

MAX_GROUP_BINS = 64
"""The maximum number of bins of a group. With as many as `MAX_BINS`, the outcome of a part would be 300 kB."""

_BLOCK_ROWS = 65_536

_WIDTH_FACTORS = (*[10] * 10, 6, 10, 6, 3, 2, 2, 2)
"""The factors from one width to the next: 1 ns, ten times 10 up to 10 s, 1 min, 10 min, 1 h, 3 h, 6 h, 12 h, 1 day."""


class RowGroups(NamedTuple):
    """The rows of a part, divided into groups of series.

    Attributes:
        tag: The name of the tag whose values are the groups.
        names: The value of each group.
        group_of_series: The number of the group of each series.
        series: The number of the series of each row.
    """

    tag: str
    names: list[str]
    group_of_series: NDArray[np.uint16]
    series: NDArray[np.int32]


def profile(
    time: NDArray[np.int64],
    fields: Mapping[str, NDArray[np.float64]],
    lines: NDArray[np.int64],
    groups: RowGroups | None = None,
) -> Profile:
    """Summarize the points of a part.

    Example: 300 values of the seconds 0 to 299, which are 299 * 10**9 ns apart. Bins of 1 s would be 300, which is too
    many, so bins are 10 s wide, the next width. The first of the 30 bins has 10 values, from 0 to 9.

    >>> seconds = np.arange(300)
    >>> result = profile(seconds * 10**9, {"f": seconds.astype(float)}, lines=seconds)
    >>> result["bucket_ns"], len(result["fields"]["f"]), result["fields"]["f"][0]
    (10000000000, 30, Bin(number=0, values=10, low=0.0, mean=4.5, high=9.0))

    Args:
        time: The time of each row in ns.
        fields: The values of each field, one per row; NaN is no value.
        lines: The rows that became lines, at least one.
        groups: The groups to summarize as well.
    """
    first, last = _span(time, lines)
    width = _fitting_width(first, last, MAX_BINS)
    bins = last // width - first // width + 1
    summaries = {name: FieldBins(bins, len(groups.names) if groups else 1) for name in fields}
    for start in range(0, len(lines), _BLOCK_ROWS):
        rows = lines[start : start + _BLOCK_ROWS]
        places = (time[rows] // width - first // width).astype(np.uint16)
        if groups:
            places += groups.group_of_series[groups.series[rows]] * np.uint16(bins)
        _add_block(summaries, fields, rows, places)
    content = {name: summary.total(first // width) for name, summary in summaries.items()}
    result: Profile = {"first_ns": first, "last_ns": last, "bucket_ns": width, "fields": content}
    if groups:
        result["groups"] = _group_profile(groups, summaries, result)
    return result


def _add_block(
    summaries: Mapping[str, FieldBins],
    fields: Mapping[str, NDArray[np.float64]],
    rows: NDArray[np.int64],
    places: NDArray[np.uint16],
) -> None:
    """Add a block of rows to the bins of each field.

    Args:
        summaries: The bins of each field.
        fields: The values of each field, one per row of the part.
        rows: The rows of the block.
        places: The place of each of these rows: the number of its bin, counted over the bins of all groups.
    """
    # Sorted by place, the rows of a bin are one slice, so `reduceat` can add them up. For the places 1, 0, 1 the order
    # is 1, 0, 2 and the places become 0, 1, 1, which start at the positions 0 and 1. The sort is stable, which is fast
    # if rows are sorted by time.
    order = np.argsort(places, kind="stable")
    rows, places = rows[order], places[order]
    starts = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]]))
    for name, values in fields.items():
        summaries[name].add(places[starts], values[rows], starts)


def _group_profile(groups: RowGroups, summaries: Mapping[str, FieldBins], whole: Profile) -> GroupProfile:
    """Return the bins of each group, which are as wide as those of the part, or wider."""
    width = _fitting_width(whole["first_ns"], whole["last_ns"], MAX_GROUP_BINS)
    first, factor = whole["first_ns"] // whole["bucket_ns"], width // whole["bucket_ns"]
    bins = {
        name: dict(zip(groups.names, summary.merged(first, factor), strict=True)) for name, summary in summaries.items()
    }
    return {"tag": groups.tag, "bucket_ns": width, "fields": bins}


def _fitting_width(first: int, last: int, limit: int) -> int:
    """Return the smallest width that divides the times from `first` to `last` into at most `limit` bins."""
    return next(width for width in _widths() if last // width - first // width < limit)


def _span(time: NDArray[np.int64], lines: NDArray[np.int64]) -> tuple[int, int]:
    """Return the first and the last time of the lines, block by block: all their times would be as large as `time`."""
    first, last = int(time[lines[0]]), int(time[lines[0]])
    for start in range(0, len(lines), _BLOCK_ROWS):
        block = time[lines[start : start + _BLOCK_ROWS]]
        first, last = min(first, int(block.min())), max(last, int(block.max()))
    return first, last


def _widths() -> Iterator[int]:
    """Yield the widths of bins in ns. Each divides the next one, so that profiles of several parts can be joined."""
    width = 1
    yield width
    for factor in _WIDTH_FACTORS:
        width *= factor
        yield width
    while True:
        width *= 2
        yield width
