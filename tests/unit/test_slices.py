"""The slices of a rebuild: together they remove all stale points, each with few points."""

import random
from itertools import pairwise

import numpy as np
import pytest

from shared.deletion.requests import DeleteRequest
from shared.deletion.slices import group_requests, slice_requests


def inside(request: DeleteRequest, times: list[int]) -> int:
    return sum(request.first_ns <= time <= request.last_ns for time in times)


@pytest.mark.parametrize("seed", range(100))
def test_slices_remove_each_stale_point_once_and_count_what_they_remove(seed: int) -> None:
    choice = random.Random(seed)  # noqa: S311
    span, limit = choice.randint(1, 60), choice.randint(1, 20)
    stale, current = ([choice.randint(-span, span) for _ in range(choice.randint(0, 80))] for _ in range(2))
    requests = list(slice_requests(np.array(stale, np.int64), np.array(current, np.int64), limit))
    assert [sum(each.first_ns <= time <= each.last_ns for each in requests) for time in stale] == [1] * len(stale)
    for each in requests:
        assert (each.tags, each.stale, each.rewritten) == ((), inside(each, stale), inside(each, current))
        assert {each.first_ns, each.last_ns} <= set(stale)
        assert each.stale + each.rewritten <= limit or each.first_ns == each.last_ns
    for one, following in pairwise(requests):
        to_next = [time for time in (*stale, *current) if one.first_ns <= time <= following.first_ns]
        assert len(to_next) > limit, "the slice could have been longer"


def test_ten_thousand_scattered_points_of_a_million_take_about_ten_slices() -> None:
    hours = np.repeat(np.arange(5_000), 200)
    is_stale = np.zeros(len(hours), bool)
    is_stale[np.random.default_rng(1).choice(len(hours), 10_000, replace=False)] = True
    requests = list(slice_requests(hours[is_stale], hours[~is_stale]))
    assert (len(requests), sum(each.stale for each in requests)) == (10, 10_000)


def test_a_deletion_has_as_many_slices_as_fit() -> None:
    sizes = (4, 5, 1, 12, 3, 3)
    requests = [DeleteRequest((), number, number, "slice", 1, size - 1) for number, size in enumerate(sizes)]
    groups = [[each.stale + each.rewritten for each in group] for group in group_requests(requests, 10)]
    assert groups == [[4, 5, 1], [12], [3, 3]]
    assert list(group_requests([])) == []
