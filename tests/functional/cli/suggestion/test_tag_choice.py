"""The chosen tags distinguish as many rows as all columns do, and no smaller set does."""

import doctest
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cli.suggestion import tag_choice
from cli.suggestion.tag_choice import choose_tags, count_distinct


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(tag_choice).failed == 0


@given(
    st.integers(1, 5).flatmap(
        lambda columns: st.lists(st.tuples(*[st.integers(0, 2)] * (columns + 1)), min_size=1, max_size=30)
    )
)
def test_the_choice_is_a_smallest_set(rows: list[tuple[int, ...]]) -> None:
    times, *columns = (np.array(column) for column in zip(*rows, strict=True))
    named = {str(number): column for number, column in enumerate(columns)}
    chosen = choose_tags(times, named)
    distinct = len(set(rows))
    assert len({(row[0], *(row[int(name) + 1] for name in chosen)) for row in rows}) == distinct
    for smaller in combinations(named, len(chosen) - 1) if chosen else ():
        assert len({(row[0], *(row[int(name) + 1] for name in smaller)) for row in rows}) < distinct


def test_a_set_that_only_seems_to_suffice_in_the_first_rows_is_not_chosen() -> None:
    rows = tag_choice.FILTER_ROWS + 10
    times = np.arange(rows) // 2
    seeming = np.arange(rows) % 2
    seeming[-4:] = 0
    assert choose_tags(times, {"seeming": seeming, "true": np.arange(rows) % 2}) == ["true"]


def test_many_columns_are_chosen_greedily() -> None:
    columns = {f"c{bit}": (np.arange(2**14) >> bit) & 1 for bit in range(14)}
    assert choose_tags(np.zeros(2**14, np.int64), columns) == list(columns)
    assert count_distinct(*columns.values()) == 2**14
