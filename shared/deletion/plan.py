"""The plan of a deletion: few requests that remove all stale points of one measurement.

Each request makes InfluxDB walk all shards of the bucket, so their number decides how long a deletion takes.
`plan_deletion` first takes requests that remove no current point, the one that removes most stale points first. Stale
points that have a current point at the same time under every way to select them need a request for their series, after
which the current points are written again: where a tag was added, the former series is a part of the new one, and a
field cannot be removed alone. If that takes too many requests, whole spans of a series are removed and written again
instead of many runs of it.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np

from shared.deletion.requests import (
    MAX_REQUEST_SECONDS,
    MAX_REQUESTS,
    MAX_REWRITTEN,
    MAX_SECONDS,
    DeleteRequest,
    DeletionPlan,
    request_seconds,
)
from shared.deletion.runs import (
    Numbers,
    PointSet,
    Runs,
    Selection,
    distinct_points,
    find_runs,
    selected_points,
    series_selection,
    tag_selections,
    time_selection,
)
from shared.footprints import Footprint

_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


class _Step(NamedTuple):
    """A request that removes no current point, and the stale points that are left after it."""

    request: DeleteRequest
    left: Numbers


def plan_deletion(
    stale: Footprint, current: Footprint, *, shards: int, series: int, other_writers: bool = False
) -> DeletionPlan:
    """Return the requests that remove all stale points.

    Args:
        stale: The stale points, with at least one.
        current: All points of current files in the same measurement, from the first to the last stale point.
        shards: The number of shards of the bucket.
        series: The number of series of the measurement, and of those that sort before it.
        other_writers: Whether other programs write to the measurement: then no request is for all of its series.
    """
    points, others = distinct_points(stale), distinct_points(current)
    by_series = series_selection(points, others)
    selections = [*tag_selections(points, others), by_series]
    if not other_writers:
        selections.append(time_selection(points, others))
    steps = list(_free_steps([find_runs(selection, points.time) for selection in selections], points))
    requests = _complete(steps, by_series, points)
    seconds = len(requests) * request_seconds(shards, series)
    rewritten = sum(request.rewritten for request in requests)
    refusal = _refusal(len(requests), seconds, rewritten)
    return DeletionPlan(requests, len(points.time), rewritten, seconds, refusal)


def _free_steps(selections: Sequence[Runs], points: PointSet) -> Iterator[_Step]:
    """Yield requests that remove no current point, those that remove most stale points first; not many too many."""
    left = np.arange(len(points.time))
    gains = [np.bincount(runs.run[runs.run >= 0], minlength=len(runs.way)) for runs in selections]
    for _ in range(MAX_REQUESTS + 1):
        best = [(int(gain.max(initial=0)), -position) for position, gain in enumerate(gains)]
        count, position = max(best)
        if not count:
            return
        runs, number = selections[-position], int(gains[-position].argmax())
        tags, first, last = runs.selection.tags[runs.way[number]], int(runs.first_ns[number]), int(runs.last_ns[number])
        removed = np.intersect1d(left, selected_points(points, tags, first, last), assume_unique=True)
        for each, gain in zip(selections, gains, strict=True):
            run = each.run[removed]
            gain -= np.bincount(run[run >= 0], minlength=len(gain))  # noqa: PLW2901 - in place
        left = np.setdiff1d(left, removed, assume_unique=True)
        yield _Step(DeleteRequest(tags, first, last, runs.selection.cover, len(removed), 0), left)


def _complete(steps: Sequence[_Step], by_series: Selection, points: PointSet) -> list[DeleteRequest]:
    """Return the requests that remove no current point, and those for what they leave.

    If these are too many, take fewer of them, and remove and rewrite one span of each series that is left: so many
    fewer that the number of all requests is the smallest.
    """
    lefts = [np.arange(len(points.time)), *(step.left for step in steps)]
    rest = _series_requests(by_series, lefts[-1], points, whole=False)
    requests = [step.request for step in steps] + list(islice(rest, MAX_REQUESTS + 1))
    if len(requests) <= MAX_REQUESTS:
        return requests
    totals = [number + len(np.unique(points.number[left])) for number, left in enumerate(lefts)]
    fewest = min(range(len(totals)), key=lambda number: (totals[number], -number))
    spans = _series_requests(by_series, lefts[fewest], points, whole=True)
    shorter = [step.request for step in steps[:fewest]] + list(islice(spans, MAX_REQUESTS + 1))
    return shorter if len(shorter) < len(requests) else requests


def _series_requests(by_series: Selection, left: Numbers, points: PointSet, *, whole: bool) -> Iterator[DeleteRequest]:
    """Yield requests for single series that also remove current points.

    Args:
        by_series: The selection by all tags of a series.
        left: The stale points to remove.
        points: All stale points.
        whole: Whether to remove each series from its first to its last point that is left. Otherwise, a current point
            between two stale ones, at another time than both, separates two requests.
    """
    is_left = np.zeros(len(points.time), bool)
    is_left[left] = True
    for number in _general_first(points, np.unique(points.number[left])):
        stale = np.sort(points.time[is_left & (points.number == number)])
        current = np.sort(by_series.current_time[by_series.current_way == number])
        before, upto = (np.searchsorted(current, stale, side=side) for side in _SIDES)
        is_end = np.ones(len(stale), bool)
        is_end[:-1] = False if whole else before[1:] > upto[:-1]
        first = 0
        for last in np.flatnonzero(is_end).tolist():
            times = int(stale[first]), int(stale[last])
            removed = selected_points(points, points.series[number], *times)
            count, rewritten = int(is_left[removed].sum()), int(upto[last] - before[first])
            is_left[removed] = False
            yield DeleteRequest(points.series[number], *times, "series", count, rewritten)
            first = last + 1


def _general_first(points: PointSet, numbers: Numbers) -> list[int]:
    """Return series with few tags first, since requests for them remove points of series with further tags too."""
    return sorted(numbers.tolist(), key=lambda number: len(points.series[number]))


def _refusal(requests: int, seconds: float, rewritten: int) -> str:
    reasons = exceeded_limits(requests, seconds)
    if rewritten > MAX_REWRITTEN:
        reasons.append(f"{rewritten:,} current points must be written again, and the limit is {MAX_REWRITTEN:,}")
    return "; ".join(reasons)


def exceeded_limits(requests: int, seconds: float) -> list[str]:
    """Return the limits that a plan exceeds with so many requests, which take so long together."""
    reasons = [
        (requests > MAX_REQUESTS, f"it takes more than {MAX_REQUESTS} requests"),
        (seconds > MAX_SECONDS, f"it takes about {seconds / 60:,.0f} minutes, and the limit is {MAX_SECONDS / 60:.0f}"),
        (
            seconds > requests * MAX_REQUEST_SECONDS,
            f"one request takes about {seconds / max(1, requests):,.0f} s, and the limit is {MAX_REQUEST_SECONDS:.0f}",
        ),
    ]
    return [text for applies, text in reasons if applies]
