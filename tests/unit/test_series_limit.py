"""A file may not have too many series, and the error names the tag that makes them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets import DATASETS
from shared.errors import TooManySeriesError
from shared.series_limit import check_series, series_limit
from tests.support.builders import generation
from tests.support.conversion import convert_table

GENERATION = DATASETS["generation"]


@given(st.lists(st.sampled_from([f"m,a={number} " for number in range(9)])), st.integers(min_value=0, max_value=9))
def test_the_number_of_different_keys_decides(keys: list[str], limit: int) -> None:
    series = len(set(keys))
    if series > limit:
        with pytest.raises(TooManySeriesError, match=rf"more than {limit} series"):
            check_series(keys, limit)
    else:
        assert check_series(keys, limit) == series


def test_the_tag_with_the_most_values_is_named_with_examples() -> None:
    plants = [r"a,b", "c=d", "e f", *map(str, range(7))]
    table = generation(10, plant_name=plants, region=["N", "S"] * 5)
    keys = convert_table(table).records.series_keys().to_pylist()
    with pytest.raises(TooManySeriesError, match=r"of the first 9, the tag 'plant_name' has the most values, 9, such"):
        check_series(keys, 8)


def test_keys_count_only_if_they_have_a_line() -> None:
    table = generation(4, plant_name=["a", "b", "b", "c"], power_mw=[1.0, 2.0, None, None])
    assert len(convert_table(table).records.series_keys()) == 2


def test_the_limit_of_a_dataset_counts_more_than_the_setting() -> None:
    assert series_limit(GENERATION, 5) == 5
    assert series_limit(replace(GENERATION, max_series=7), 5) == 7
