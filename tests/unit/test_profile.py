"""The profile of each field over time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from functions.convert_and_chunk.profile import MAX_BINS, profile

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
