"""The rebuild of a time window of one dataset: its stale points, the slices to delete, and the files to load again.

A rebuild removes slices of time with all of their points. The current ones, of the dataset and of others in the same
measurement, are written again from the before-images, so that none is missing if the loads that follow fail.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from cli.deployed.bucket_size import read_bucket_size
from cli.deployed.deletions import PlannedDeletion
from cli.deployed.objects import exists
from cli.deployed.stack import Deployment
from cli.deployed.stale import UNCERTAIN, PreparedSearch, check_footprints, doubts_of
from cli.deployed.undone_points import Files
from cli.errors import RefusedError
from shared.deletion.plan import exceeded_limits
from shared.deletion.requests import MAX_REQUESTS, DeleteRequest, DeletionPlan, request_seconds
from shared.deletion.runs import Numbers
from shared.deletion.slices import MAX_GROUP_POINTS, MAX_SLICE_POINTS, group_requests, slice_requests
from shared.footprints import Footprint
from shared.ledger import LedgerItem
from shared.point_index import subtract, times_of_all_series, within_times
from shared.stale.plans import Plan
from shared.stale.stale_set import StaleSet, union
from shared.times import utc_ns


class Window(NamedTuple):
    """The time of a dataset to rebuild, from the first to the last ns, which is included."""

    dataset: str
    first_ns: int
    last_ns: int


class RebuildPlan(NamedTuple):
    """What a rebuild does.

    Attributes:
        search: The search in the measurement.
        stale: The stale points of the dataset in the window.
        kept: The other points of replaced loads in the window: stale ones of other datasets, which nobody has asked to
            remove, and uncertain or rejected ones, of which InfluxDB may have some.
        requests: The slices to delete.
        seconds: How long InfluxDB is estimated to take for all of them.
        files: The files to load again, in the order in which they were loaded: the current ones of the dataset with
            points in the window, and those that were written later and that their loads would overwrite.
    """

    search: PreparedSearch
    stale: Footprint
    kept: Footprint
    requests: list[DeleteRequest]
    seconds: float
    files: list[LedgerItem]


class _Current(NamedTuple):
    """The current points in the window: their times, series, and the load IDs of the dataset's files that have some."""

    times: Numbers
    series: set[str]
    load_ids: set[str]


def plan_rebuild(
    deployment: Deployment, prepared: PreparedSearch, window: Window, max_points: int = MAX_SLICE_POINTS
) -> RebuildPlan:
    """Return the plan of a rebuild, with slices of at most `max_points`.

    Raises:
        RefusedError: InfluxDB cannot delete points, the plan is beyond a limit, a current file has no complete
            footprint, or one is not in S3 any more.
    """
    stale = stale_points(prepared, window)
    replaced = (within_times(part.points, window.first_ns, window.last_ns) for part in prepared.search.find())
    kept = subtract(union(replaced), [stale])
    current = _current_points(prepared, window, kept)
    check_footprints(prepared)
    files = _files_to_load(deployment, prepared, current.load_ids)
    requests = list(islice(slice_requests(stale.points.time, current.times, max_points), MAX_REQUESTS + 1))
    size = read_bucket_size(deployment, prepared, len(current.series.union(stale.series)))
    seconds = len(requests) * request_seconds(*size)
    _check_limits(requests, seconds, max_points)
    _check_sources(deployment, files)
    return RebuildPlan(prepared, stale, kept, requests, seconds, files)


def _files_to_load(deployment: Deployment, prepared: PreparedSearch, load_ids: set[str]) -> list[LedgerItem]:
    """Return the loaded files among these loads, and those that were written later and that they would overwrite."""
    items = [item for item in prepared.items if item["load_id"] in load_ids and item["status"] == "loaded"]
    files = Files(deployment, prepared, items)
    files.add_overwritten(items)
    return sorted([*items, *(each.item for each in files.added)], key=lambda item: item["changed_at"])


def own_objects(prepared: PreparedSearch, dataset: str) -> set[str]:
    """Return the names of the objects of a dataset."""
    return {item["object"] for item in prepared.items if item["dataset"] == dataset}


def stale_points(prepared: PreparedSearch, window: Window) -> Footprint:
    """Return the points in the window that replaced loads of the dataset certainly left."""
    own = own_objects(prepared, window.dataset)
    parts = (part.points for part in prepared.search.find(own.__contains__) if part.kind == "stored")
    return union(within_times(part, window.first_ns, window.last_ns) for part in parts)


def doubts_in(prepared: PreparedSearch, window: Window) -> dict[str, str]:
    """Return the objects of the dataset that may have left more stale points in the window, and why."""
    own = own_objects(prepared, window.dataset)
    doubts = {name: why for name, why in doubts_of(prepared.loads) if name in own}
    for part in prepared.search.find(own.__contains__):
        if part.kind == "uncertain" and within_times(part.points, window.first_ns, window.last_ns).series:
            doubts[part.plan.source] = UNCERTAIN
    return doubts


def deletions_of(plan: RebuildPlan, max_points: int = MAX_GROUP_POINTS) -> Iterator[PlannedDeletion]:
    """Yield the deletions of a plan, one at a time, each of at most `max_points`: it holds them in memory."""
    for requests in group_requests(plan.requests, max_points):
        first_ns, last_ns = requests[0].first_ns, requests[-1].last_ns
        current = (part for _, part in _current_parts(plan.search, first_ns, last_ns))
        rejected = plan.search.search.rejected(times_of_all_series(first_ns, last_ns))
        footprints = ([plan.stale], chain(current, [plan.kept]), chain(rejected, [plan.kept]))
        points = StaleSet(*(union(_in_slices(parts, requests)) for parts in footprints))
        check_footprints(plan.search)
        counts = len(points.stale.points.time), len(points.current.points.time)
        seconds = plan.seconds * len(requests) / len(plan.requests)
        yield PlannedDeletion(plan.search, points, DeletionPlan(requests, *counts, seconds, ""))


def _in_slices(parts: Iterable[Footprint], requests: Iterable[DeleteRequest]) -> Iterator[Footprint]:
    for part in parts:
        for request in requests:
            yield within_times(part, request.first_ns, request.last_ns)


def _current_points(prepared: PreparedSearch, window: Window, kept: Footprint) -> _Current:
    times, series, load_ids = [kept.points.time], set(kept.series), set[str]()
    for plan, part in _current_parts(prepared, window.first_ns, window.last_ns):
        times.append(part.points.time)
        series.update(part.series)
        if plan.dataset == window.dataset:
            load_ids.add(plan.load_id)
    return _Current(np.concatenate(times), series, load_ids)


def _current_parts(prepared: PreparedSearch, first_ns: int, last_ns: int) -> Iterator[tuple[Plan, Footprint]]:
    """Yield the points of current files in a time, part by part, each with its plan."""
    for plan, part in prepared.search.current_parts(times_of_all_series(first_ns, last_ns)):
        if (inside := within_times(part, first_ns, last_ns)).series:
            yield plan, inside


def _check_limits(requests: list[DeleteRequest], seconds: float, max_points: int) -> None:
    reasons = exceeded_limits(len(requests), seconds)
    for each in requests:
        if each.stale + each.rewritten > max_points:
            count = f"{each.stale + each.rewritten:,} points"
            reasons.append(f"{count} have the time {utc_ns(each.first_ns)}, and the limit is {max_points:,}")
    if reasons:
        raise RefusedError(f"nothing was deleted: {'; '.join(reasons[:3])}. Use a shorter time")


def _check_sources(deployment: Deployment, files: list[LedgerItem]) -> None:
    """Raise RefusedError if a version that must be loaded again does not exist any more."""
    missing = [item for item in files if not exists(deployment, item)]
    if missing:
        more = f", and of {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise RefusedError(
            f"nothing was deleted: the loaded version of {missing[0]['object']} ({missing[0]['version']}){more} is not "
            "in S3 any more, so it cannot be loaded again. Choose a time whose files have no points in common with it"
        )
