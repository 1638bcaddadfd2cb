"""Runs: stale points that follow each other in time, without a current point in between, for one way to select series.

A `Selection` numbers the ways to select series: by the value of a tag, by all tags of a series, or all series. A
request for one run removes no current point. `find_runs` computes the runs of all points at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.deletion.requests import Cover
from shared.footprints import Footprint
from shared.series_keys import Tags, tags_of

Numbers = NDArray[np.int64]


class PointSet(NamedTuple):
    """Distinct points: the tags of each series, the number of each point's series, and its time in ns."""

    series: Sequence[Tags]
    number: Numbers
    time: Numbers


class Selection(NamedTuple):
    """Some ways to select series, and the points that each of them selects. A point may be selected several times.

    Attributes:
        cover: The kind of request.
        tags: The tags of each way.
        stale_way: The way that selects each stale point; -1 for none.
        current_way: The way of each selected current point.
        current_time: Its time.
    """

    cover: Cover
    tags: Sequence[Tags]
    stale_way: Numbers
    current_way: Numbers
    current_time: Numbers


class Runs(NamedTuple):
    """The runs of one selection: the run of each stale point, -1 if none removes it without a current point."""

    selection: Selection
    run: Numbers
    way: Numbers
    first_ns: Numbers
    last_ns: Numbers


def distinct_points(footprint: Footprint) -> PointSet:
    """Return the points of a footprint, each once whatever its fields are."""
    number, time = footprint.points.numbers.astype(np.int64), footprint.points.time.astype(np.int64)
    order = np.lexsort((time, number))
    number, time = number[order], time[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(number) != 0) | (np.diff(time) != 0)
    return PointSet([tags_of(name) for name in footprint.series], number[is_first], time[is_first])


def selected_points(points: PointSet, tags: Tags, first_ns: int, last_ns: int) -> Numbers:
    """Return the points that a request removes: those of its time whose series has its tags."""
    matches = np.array([set(tags) <= set(series) for series in points.series], bool)
    return np.flatnonzero(matches[points.number] & (points.time >= first_ns) & (points.time <= last_ns))


def find_runs(selection: Selection, stale_time: Numbers) -> Runs:
    """Divide the stale points into runs.

    Example for one way: the stale times 1, 2, 4, 6 and the current times 3, 6 make the runs (1, 2) and (4): no request
    removes the stale point at 6 without the current one.

    >>> way, current = np.zeros(4, np.int64), np.zeros(2, np.int64)
    >>> runs = find_runs(Selection("time range", [()], way, current, np.array([3, 6])), np.array([1, 2, 4, 6]))
    >>> runs.run.tolist(), runs.first_ns.tolist(), runs.last_ns.tolist()
    ([0, 0, 1, -1], [1, 4], [2, 4])
    """
    selected = np.flatnonzero(selection.stale_way >= 0)
    current = len(selection.current_time)
    way = np.concatenate([selection.current_way, selection.stale_way[selected]])
    time = np.concatenate([selection.current_time, stale_time[selected]])
    is_stale = np.arange(len(way)) >= current
    order = np.lexsort((is_stale, time, way))  # at the same time, the current point comes first
    way, time, is_stale = way[order], time[order], is_stale[order]
    last_current = np.maximum.accumulate(np.where(is_stale, -1, np.arange(len(way)))) if len(way) else way
    same_time = (last_current >= 0) & (way[last_current] == way) & (time[last_current] == time)
    usable = np.flatnonzero(is_stale & ~same_time)
    begins = np.flatnonzero(
        np.diff(way[usable], prepend=-1).astype(bool) | np.diff(last_current[usable], prepend=-2).astype(bool)
    )
    run = np.full(len(stale_time), -1, np.int64)
    lengths = np.diff(np.append(begins, len(usable)))
    run[selected[order[usable] - current]] = np.repeat(np.arange(len(begins)), lengths)
    first, last = time[usable][begins], time[usable][begins + lengths - 1]
    return Runs(selection, run, way[usable][begins], first, last)


def tag_selections(stale: PointSet, current: PointSet) -> list[Selection]:
    """Return one selection for each tag of the stale series: its ways are the values of the tag."""
    tags = sorted({tag for series in stale.series for tag, _ in series})
    return [_tag_selection(tag, stale, current) for tag in tags]


def _tag_selection(tag: str, stale: PointSet, current: PointSet) -> Selection:
    values = sorted({value for series in stale.series for name, value in series if name == tag})
    ways = {value: way for way, value in enumerate(values)}
    of_stale, of_current = (
        np.array([ways.get(dict(series).get(tag, ""), -1) for series in points.series], np.int64)
        for points in (stale, current)
    )
    current_way = of_current[current.number] if len(current.number) else current.number
    hit = np.flatnonzero(current_way >= 0)
    names: list[Tags] = [((tag, value),) for value in values]
    return Selection("tag value", names, of_stale[stale.number], current_way[hit], current.time[hit])


def time_selection(stale: PointSet, current: PointSet) -> Selection:
    """Return the selection of all series."""
    ways = np.zeros(len(stale.number), np.int64)
    return Selection("time range", [()], ways, np.zeros(len(current.number), np.int64), current.time)


def series_selection(stale: PointSet, current: PointSet) -> Selection:
    """Return the selection by all tags of each stale series. It also selects current series that have further tags."""
    by_tag: dict[tuple[str, str], list[int]] = {}
    for number, series in enumerate(current.series):
        for tag in series:
            by_tag.setdefault(tag, []).append(number)
    order = np.argsort(current.number, kind="stable")
    starts = np.searchsorted(current.number[order], np.arange(len(current.series) + 1))
    ways, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for way, series in enumerate(stale.series):
        candidates = min((by_tag.get(tag, []) for tag in series), key=len, default=range(len(current.series)))
        for number in candidates:
            if set(series) <= set(current.series[number]):
                selected = order[starts[number] : starts[number + 1]]
                rows.append(selected)
                ways.append(np.full(len(selected), way))
    at = np.concatenate(rows)
    return Selection("series", stale.series, stale.number, np.concatenate(ways), current.time[at])
