"""The requests of a rebuild: slices of time in which a deletion removes all points of a measurement.

Where stale points are scattered among current ones, no small number of requests spares the current ones. So a rebuild
removes whole slices of time, and their current points are written again from the before-image. A slice has few enough
points for one invocation of DeletePoints, and a group of slices few enough for one deletion.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from shared.deletion.requests import DeleteRequest
from shared.deletion.runs import Numbers

MAX_SLICE_POINTS = 100_000
"""How many points a slice has at most. Until they are written again, queries do not see them. With three fields, they
take about 200 MiB of DeletePoints' memory (measured).
"""

MAX_GROUP_POINTS = 1_000_000
"""How many points the slices of one deletion have at most. Each of its steps holds the footprints of all of them."""


def slice_requests(stale: Numbers, current: Numbers, max_points: int = MAX_SLICE_POINTS) -> Iterator[DeleteRequest]:
    """Yield requests for all series that together remove all stale points, each as long as the limit allows.

    A slice begins and ends with a stale point, so a time without any is left alone. Points of the same time are not
    divided, so a slice of a single time may have more points than the limit.

    Example with at most 4 points: the stale times 1, 2, 9 and the current times 1, 3, 4, 9 make the slices from 1 to 2,
    which also removes a current point, and 9.

    >>> requests = slice_requests(np.array([1, 2, 9]), np.array([1, 3, 4, 9]), 4)
    >>> [(each.first_ns, each.last_ns, each.stale, each.rewritten) for each in requests]
    [(1, 2, 2, 1), (9, 9, 1, 1)]

    Args:
        stale: The times of the stale points in ns.
        current: The times of the current points. Two files may have the same one.
        max_points: The limit.
    """
    times = np.unique(stale)
    stale_from, stale_upto = _counts(stale, times)
    current_from, current_upto = _counts(current, times)
    begins, ends = stale_from + current_from, stale_upto + current_upto
    first = 0
    while first < len(times):
        last = max(first, int(np.searchsorted(ends, begins[first] + max_points, side="right")) - 1)
        removed = int(stale_upto[last] - stale_from[first])
        rewritten = int(current_upto[last] - current_from[first])
        yield DeleteRequest((), int(times[first]), int(times[last]), "slice", removed, rewritten)
        first = last + 1


def _counts(points: Numbers, times: Numbers) -> tuple[Numbers, Numbers]:
    """Return how many of the points come before each time, and how many do not come after it."""
    ordered = np.sort(points)
    return np.searchsorted(ordered, times, side="left"), np.searchsorted(ordered, times, side="right")


def group_requests(
    requests: Sequence[DeleteRequest], max_points: int = MAX_GROUP_POINTS
) -> Iterator[list[DeleteRequest]]:
    """Yield the requests of one deletion after the other."""
    group, points = list[DeleteRequest](), 0
    for request in requests:
        added = request.stale + request.rewritten
        if group and points + added > max_points:
            yield group
            group, points = [], 0
        group.append(request)
        points += added
    if group:
        yield group
