"""The profile of each field over time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from functions.convert_and_chunk.profile import MAX_BINS, MAX_GROUP_BINS, RowGroups, profile

HOUR_NS = 3_600 * 10**9

times = st.integers(-(2**62), 2**62)
values = st.one_of(st.just(float("nan")), st.floats(-1e300, 1e300))


@given(st.data(), st.integers(1, 60))
def test_every_value_is_in_the_bucket_of_its_time(data: Any, rows: int) -> None:
    time = data.draw(st_np.arrays(np.int64, rows, elements=times))
    field = data.draw(st_np.arrays(np.float64, rows, elements=values))
    lines = np.array(sorted(data.draw(st.sets(st.integers(0, rows - 1), min_size=1))))
    result = profile(time, {"f": field}, lines)
    assert (result["first_ns"], result["last_ns"]) == (time[lines].min(), time[lines].max())
    expected: dict[int, list[float]] = {}
    for row in lines:
        if not np.isnan(field[row]):
            expected.setdefault(int(time[row]) // result["bucket_ns"], []).append(float(field[row]))
    assert [bin_.number for bin_ in result["fields"]["f"]] == sorted(expected)
    for bin_, count, low, mean, high in result["fields"]["f"]:
        values_in_bin = expected[bin_]
        assert (count, low, high) == (len(values_in_bin), min(values_in_bin), max(values_in_bin))
        assert mean == pytest.approx(np.mean(values_in_bin), rel=1e-6, abs=1e-6 * max(map(abs, values_in_bin)))
    assert len(result["fields"]["f"]) <= MAX_BINS


def test_a_month_of_hours_has_bins_of_three_hours() -> None:
    hours = np.arange(31 * 24)
    result = profile(hours * HOUR_NS, {"f": hours.astype(float)}, hours)
    assert result["bucket_ns"] == 3 * HOUR_NS
    assert result["fields"]["f"][1] == (1, 3, 3.0, 4.0, 5.0)


def test_a_bucket_without_a_value_is_a_gap() -> None:
    field = np.array([1.0, np.nan, 3.0])
    result = profile(np.array([0, 10, 20]) * HOUR_NS, {"f": field}, np.arange(3))
    assert [bin_.low for bin_ in result["fields"]["f"]] == [1.0, 3.0]


def test_values_whose_sum_leaves_the_doubles_have_a_mean_between_them() -> None:
    field = np.array([1.5e308, 1.6e308])
    (bin_,) = profile(np.zeros(2, np.int64), {"f": field}, np.arange(2))["fields"]["f"]
    assert 1.5e308 <= bin_.mean <= 1.6e308


def groups_of(series: list[int], groups: list[int]) -> RowGroups:
    """Rows of these series, whose groups are called by their number."""
    names = [str(number) for number in range(max(groups) + 1)]
    return RowGroups("region", names, np.array(groups, np.uint16), np.array(series, np.int32))


@settings(max_examples=50)
@given(st.data(), st.integers(1, 60))
def test_groups_change_nothing_else_and_have_all_values(data: Any, rows: int) -> None:
    time = data.draw(st_np.arrays(np.int64, rows, elements=times))
    field = data.draw(st_np.arrays(np.float64, rows, elements=st.one_of(st.just(float("nan")), st.floats(-1e3, 1e3))))
    series = data.draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows))
    lines = np.array(sorted(data.draw(st.sets(st.integers(0, rows - 1), min_size=1))))
    groups = groups_of(series, [0, 1, 2, 1])
    result = profile(time, {"f": field}, lines, groups)
    bins = result.pop("groups")
    assert [(*bin_[:3], bin_.high) for bin_ in result["fields"]["f"]] == [
        (*bin_[:3], bin_.high) for bin_ in profile(time, {"f": field}, lines)["fields"]["f"]
    ]
    assert bins["bucket_ns"] % result["bucket_ns"] == 0
    expected: dict[tuple[str, int], list[float]] = {}
    for row in lines[~np.isnan(field[lines])]:
        group = groups.names[groups.group_of_series[series[row]]]
        expected.setdefault((group, int(time[row]) // bins["bucket_ns"]), []).append(field[row])
    drawn = {(name, bin_.number): bin_ for name, listed in bins["fields"]["f"].items() for bin_ in listed}
    assert {place: bin_.values for place, bin_ in drawn.items()} == {place: len(v) for place, v in expected.items()}
    assert all(bin_.mean == pytest.approx(np.mean(expected[place]), abs=1e-6) for place, bin_ in drawn.items())
    assert len({number for _, number in drawn}) <= MAX_GROUP_BINS


def test_each_group_has_its_own_mean() -> None:
    field = np.array([1.0, 10.0, 3.0, 30.0])
    hours = np.array([0, 0, 1, 1])
    result = profile(hours * HOUR_NS, {"f": field}, np.arange(4), groups_of([0, 1, 0, 1], [0, 1]))
    drawn = result["groups"]["fields"]["f"]
    assert {name: [bin_.mean for bin_ in bins] for name, bins in drawn.items()} == {"0": [1.0, 3.0], "1": [10.0, 30.0]}
    assert result["groups"]["tag"] == "region"
