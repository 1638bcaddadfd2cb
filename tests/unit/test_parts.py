"""The plan of parts."""

from hypothesis import given
from hypothesis import strategies as st

from functions.validate_schema.parts import PARTS, plan_parts

groups = st.lists(st.integers(0, 50), max_size=60)


@given(groups, st.integers(1, 100))
def test_every_row_is_in_exactly_one_part_and_in_its_row_groups(rows: list[int], part_rows: int) -> None:
    first = 0
    for part in plan_parts(rows, part_rows):
        assert part["first_row"] == first
        first += part["rows"]
        assert sum(rows[: part["first_group"]]) <= part["first_row"] < sum(rows[: part["first_group"] + 1])
        assert sum(rows[: part["end_group"] - 1]) < first <= sum(rows[: part["end_group"]])
    assert first == sum(rows)


@given(groups, st.integers(1, 100))
def test_no_part_is_empty_or_too_large(rows: list[int], part_rows: int) -> None:
    limit = max(part_rows, -(-sum(rows) // PARTS))
    assert all(0 < part["rows"] <= limit for part in plan_parts(rows, part_rows))


@given(groups, st.integers(1, 100))
def test_parts_are_numbered(rows: list[int], part_rows: int) -> None:
    parts = plan_parts(rows, part_rows)
    assert [part["part"] for part in parts] == list(range(len(parts)))


@given(st.lists(st.integers(1, 50), max_size=300), st.integers(1, 9))
def test_there_are_never_more_than_twice_the_full_parts(rows: list[int], part_rows: int) -> None:
    assert len(plan_parts(rows, part_rows)) <= 2 * PARTS


def test_row_groups_stay_whole_where_they_fit() -> None:
    plan = plan_parts([4, 4, 4, 9], 10)
    assert [(part["first_group"], part["end_group"], part["rows"]) for part in plan] == [
        (0, 2, 8),
        (2, 3, 4),
        (3, 4, 9),
    ]


def test_a_row_group_larger_than_a_part_is_cut_into_equal_ranges() -> None:
    plan = plan_parts([3, 25, 3], 10)
    ranges = [(part["first_group"], part["end_group"], part["first_row"], part["rows"]) for part in plan]
    assert ranges == [(0, 1, 0, 3), (1, 2, 3, 8), (1, 2, 11, 8), (1, 2, 19, 9), (2, 3, 28, 3)]


def test_a_file_without_rows_has_no_parts() -> None:
    assert plan_parts([]) == plan_parts([0, 0]) == []
