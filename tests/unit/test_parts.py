"""The plan of parts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from functions.validate_schema.parts import PARTS, plan_parts

groups = st.lists(st.integers(0, 50), max_size=60)


@given(groups, st.integers(1, 100))
def test_every_row_is_in_exactly_one_part(rows: list[int], part_rows: int) -> None:
    parts = plan_parts(rows, part_rows)
    assert sum(part["rows"] for part in parts) == sum(rows)
    for part in parts:
        assert part["rows"] == sum(rows[part["first_group"] : part["end_group"]]) > 0
        assert part["first_row"] == sum(rows[: part["first_group"]])


@given(groups, st.integers(1, 100))
def test_parts_follow_each_other_and_are_numbered(rows: list[int], part_rows: int) -> None:
    parts = plan_parts(rows, part_rows)
    assert [part["part"] for part in parts] == list(range(len(parts)))
    assert all(before["end_group"] <= after["first_group"] for before, after in pairwise(parts))


@given(st.lists(st.integers(1, 50), max_size=300))
def test_there_are_never_more_than_twice_the_full_parts(rows: list[int]) -> None:
    assert len(plan_parts(rows, 1)) <= 2 * PARTS


def test_a_row_group_larger_than_a_part_stands_alone() -> None:
    assert [part["rows"] for part in plan_parts([3, 100, 3], 10)] == [3, 100, 3]


def test_a_file_without_rows_has_no_parts() -> None:
    assert plan_parts([]) == plan_parts([0, 0]) == []
