"""The plan of a deletion: what its requests remove, how many there are, and when it refuses."""

import random
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pytest

from shared.deletion.plan import plan_deletion
from shared.deletion.requests import DeleteRequest, DeletionPlan
from shared.footprints import Footprint, PointBlock
from shared.series_keys import series_name, tags_of

HOUR = 3600 * 10**9


class Point(NamedTuple):
    """A point: its series as in line protocol, and its time."""

    series: str
    time: int


def footprint(points: Iterable[Point], fields: Mapping[Point, int] | None = None) -> Footprint:
    ordered = sorted(set(points))
    series = sorted({point.series for point in ordered})
    numbers = np.array([series.index(point.series) for point in ordered], np.int32)
    times = np.array([point.time for point in ordered], np.int64)
    masks = np.array([(fields or {}).get(point, 1) for point in ordered], np.uint64)
    return Footprint(series, ("power_mw", "efficiency"), PointBlock(numbers, times, masks))


def plan(stale: Iterable[Point], current: Iterable[Point], **options: bool) -> DeletionPlan:
    return plan_deletion(footprint(stale), footprint(current), shards=100, series=1000, **options)


def removed_by(request: DeleteRequest, points: Iterable[Point]) -> set[Point]:
    """Return what InfluxDB removes: its predicate knows neither an absent tag nor a field."""
    return {
        point
        for point in points
        if request.first_ns <= point.time <= request.last_ns
        and all(dict(tags_of(point.series)).get(tag) == value for tag, value in request.tags)
    }


def name(**tags: str) -> str:
    return series_name("generation_data", tuple(tags.items()))


def hours(series: str, *numbers: int) -> list[Point]:
    return [Point(series, number * HOUR) for number in numbers]


@pytest.mark.parametrize("seed", range(150))
def test_requests_remove_all_stale_points_and_exactly_the_current_ones_that_they_say(seed: int) -> None:
    choice = random.Random(seed)  # noqa: S311
    tags, values, times = choice.randint(0, 3), choice.randint(1, 4), choice.randint(1, 12)
    series = {
        name(**{f"t{tag}": f"v{choice.randint(1, values)}" for tag in range(tags) if choice.random() < 0.8})
        for _ in range(choice.randint(1, 8))
    }
    grid = [Point(each, time) for each in sorted(series) for time in range(times)]
    stale = {point for point in grid if choice.random() < choice.choice((0.1, 0.5, 1))} or {grid[0]}
    current = {point for point in grid if choice.random() < choice.choice((0.0, 0.3, 1))}
    deletion = plan(stale, current, other_writers=choice.random() < 0.3)
    left = set(stale)
    for request in deletion.requests:
        assert len(removed_by(request, left)) >= request.stale >= 1
        assert len(removed_by(request, current)) == request.rewritten
        left -= removed_by(request, stale)
    assert left == set()
    assert deletion.points == len(stale)
    assert deletion.rewritten == sum(request.rewritten for request in deletion.requests)


def test_a_renamed_plant_among_a_thousand_takes_one_request() -> None:
    current = [point for number in range(1000) for point in hours(name(plant=f"p{number}", region="N"), *range(24))]
    stale = hours(name(plant="old name", region="N"), *range(24))
    (request,) = plan(stale, current).requests
    assert request == DeleteRequest((("plant", "old name"),), 0, 23 * HOUR, "tag value", 24, 0)


def test_removed_hours_take_one_request_for_all_series() -> None:
    series = [name(plant=f"p{number}") for number in range(20)]
    current = [point for each in series for point in hours(each, 0, 1, 2, 6, 7)]
    stale = [point for each in series for point in hours(each, 3, 4, 5)]
    (request,) = plan(stale, current).requests
    assert request == DeleteRequest((), 3 * HOUR, 5 * HOUR, "time range", 60, 0)


def test_no_request_is_for_all_series_where_other_programs_write() -> None:
    series = [name(plant=f"p{number}") for number in range(20)]
    current = [point for each in series for point in hours(each, 0, 7)]
    stale = [point for each in series for point in hours(each, 3, 4)]
    requests = plan(stale, current, other_writers=True).requests
    assert len(requests) == 20
    assert all(request.tags and not request.rewritten for request in requests)


def test_an_added_tag_takes_one_request_and_a_rewrite_of_the_new_series() -> None:
    stale, current = hours(name(plant="a"), *range(5)), hours(name(plant="a", operator="x"), *range(5))
    neighbors = hours(name(plant="b"), *range(5))
    (request,) = plan(stale, [*current, *neighbors]).requests
    assert request == DeleteRequest((("plant", "a"),), 0, 4 * HOUR, "series", 5, 5)


def test_a_removed_tag_takes_one_request_without_a_rewrite() -> None:
    stale, current = hours(name(plant="a", operator="x"), *range(5)), hours(name(plant="a"), *range(5))
    (request,) = plan(stale, current).requests
    assert request == DeleteRequest((("operator", "x"),), 0, 4 * HOUR, "tag value", 5, 0)


def test_a_stale_field_is_removed_with_its_point() -> None:
    current = hours(name(plant="a"), *range(10))
    requests = plan(hours(name(plant="a"), 3, 4, 8), current).requests
    assert [(request.first_ns // HOUR, request.last_ns // HOUR, request.rewritten) for request in requests] == [
        (3, 4, 2),
        (8, 8, 1),
    ]


def test_many_runs_of_few_series_become_spans_that_are_rewritten() -> None:
    series = [name(plant=f"p{number}") for number in range(3)]
    stale = [point for each in series for point in hours(each, *range(1, 200, 2))]
    current = [point for each in series for point in hours(each, *range(0, 201, 2))]
    also_there = hours(name(plant="q"), *range(201))
    deletion = plan(stale, [*current, *also_there])
    assert (len(deletion.requests), deletion.rewritten, deletion.refusal) == (3, 3 * 99, "")


def test_ten_thousand_scattered_rows_are_refused_with_the_reason() -> None:
    choice = random.Random(1)  # noqa: S311
    grid = [Point(name(plant=f"p{number}"), hour * HOUR) for number in range(1000) for hour in range(100)]
    stale = set(choice.sample(grid, 10_000))
    deletion = plan(stale, set(grid) - stale)
    assert deletion.refusal == "it takes more than 100 requests"


def test_a_plan_that_takes_too_long_is_refused() -> None:
    stale = footprint(hours(name(plant="a"), 0))
    refusal = plan_deletion(stale, footprint([]), shards=1250, series=200_000).refusal
    assert refusal.startswith("it takes about 21 minutes, and the limit is 10")
    refusal = plan_deletion(stale, footprint([]), shards=1250, series=80_000).refusal
    assert refusal.startswith("one request takes about 503 s, and the limit is 60")
