"""Times outside a dataset's limits are set aside, and shards are never counted too low."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.profile import profile
from shared.errors import NoValidRecordsError
from shared.load_limits import check_any_points
from shared.load_totals import Outcomes
from shared.plausibility import count_shards, format_duration, plausibility
from shared.plausible_times import NO_LIMITS, part_limits, time_limits, unit_hint
from tests.support.builders import generation
from tests.support.conversion import GENERATION, convert_table

DAY_NS = 86_400 * 10**9
LAST_MODIFIED = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
LIMITS = time_limits(GENERATION, LAST_MODIFIED)
YEAR_1 = np.datetime64("0001-01-01", "s")


def part(times_ns: list[int], **more: Any) -> Any:
    time = np.array(times_ns, np.int64)
    values = {"power_mw": np.ones(len(time))}
    return {
        "points": len(time),
        "series": 1,
        "profile": profile(time, values, np.arange(len(time))) if len(time) else None,
        "set_aside": {},
        **more,
    }


def test_limits_are_those_of_the_dataset_or_count_from_the_object() -> None:
    assert str(LIMITS) == "1990-01-01 00:00 and 2034-01-01 00:00"
    declared = replace(GENERATION, earliest=date(1950, 1, 1), latest=date(2000, 1, 1))
    assert str(time_limits(declared, LAST_MODIFIED)) == "1950-01-01 00:00 and 2000-01-01 00:00"


def test_a_part_that_an_earlier_release_planned_has_no_limits() -> None:
    planned: Any = {"part": 0, "first_group": 0, "end_group": 1, "first_row": 0, "rows": 1}
    assert part_limits(GENERATION, planned) == NO_LIMITS
    assert part_limits(GENERATION, planned | {"last_modified": LAST_MODIFIED}) == LIMITS


@given(
    st.lists(
        st.one_of(
            st.integers(min_value=-(2**62), max_value=2**62),
            st.sampled_from([edge + step for edge in LIMITS for step in (-1, 0, 1)]),
        ),
        min_size=1,
    )
)
def test_exactly_the_times_outside_the_limits_are_set_aside(times: list[int]) -> None:
    table = generation(len(times), timestamp=pa.array(times, pa.timestamp("ns", "UTC")))
    result = convert_table(table, limits=LIMITS)
    outside = {row for row, time in enumerate(times) if not LIMITS.earliest_ns <= time <= LIMITS.latest_ns}
    assert {row for row, rule in result.set_aside.items() if rule == "implausible_time"} == outside
    span = [min(times[row] for row in outside), max(times[row] for row in outside)] if outside else None
    assert result.records.implausible_span() == span


def test_a_row_without_a_time_is_not_also_implausible() -> None:
    table = generation(3, timestamp=["2024-01-01", None, "x"])
    assert convert_table(table, limits=LIMITS).set_aside == {1: "no_timestamp", 2: "unreadable_timestamp"}


@given(
    seconds=st.integers(min_value=700_000_000, max_value=1_900_000_000), factor=st.sampled_from([10**3, 10**6, 10**9])
)
def test_times_in_another_unit_get_the_hint(seconds: int, factor: int) -> None:
    right = seconds * 10**9
    hint = unit_hint(right // factor, right // factor, LIMITS)
    assert hint.startswith(f"in a unit {factor:,} times as long, they would be ")
    assert unit_hint(right, right, NO_LIMITS)


def test_a_file_in_the_wrong_unit_fails_with_the_hint() -> None:
    first_ns = 1_704_067_200_000_000
    outcome = part([], set_aside={"implausible_time": 3}, implausible_span=[first_ns, first_ns])
    file: Any = {"bucket": "b", "key": "dataset=generation/a.parquet", "rows": 3}
    file["parts"] = [{"last_modified": LAST_MODIFIED}]
    with pytest.raises(NoValidRecordsError) as error:
        check_any_points(Outcomes(parts=[outcome]), file)
    assert str(error.value) == (
        "all 3 rows of s3://b/dataset=generation/a.parquet were set aside (3 implausible_time); the times are probably "
        "in another unit than the column's type, or `epoch` of the dataset, says: they are 1970-01-20 17:21 to "
        "1970-01-20 17:21; in a unit 1,000 times as long, they would be 2024-01-01 00:00 to 2024-01-01 00:00: read the "
        "reasons in the report"
    )
    with pytest.raises(NoValidRecordsError, match=r"aside \(3 missing_tag\): read"):
        check_any_points(Outcomes(parts=[part([], set_aside={"missing_tag": 3})]), file)
    with pytest.raises(NoValidRecordsError, match=r"another unit than the column's type, or `epoch` .* says: read"):
        check_any_points(Outcomes(parts=[part([], set_aside={"timestamp_out_of_range": 3})]), file)


def shards(times_ns: list[int], shard_seconds: int) -> int:
    """Count the shards with numpy's calendar, which knows year 1."""
    seconds = np.array([time // 10**9 for time in times_ns]).astype("M8[s]")
    return len(np.unique((seconds - YEAR_1).astype(np.int64) // shard_seconds))


@given(
    st.lists(st.integers(min_value=0, max_value=50 * 365 * DAY_NS), min_size=1, max_size=50),
    st.sampled_from([3_600, 86_400, 7 * 86_400, 365 * 86_400]),
)
def test_shards_are_never_counted_too_low(times: list[int], shard_seconds: int) -> None:
    halves = [half for half in (times[::2], times[1::2]) if half]
    outcomes = Outcomes(parts=[cast("Any", part(half)) for half in halves])
    assert shards(times, shard_seconds) <= count_shards(outcomes, shard_seconds) <= len(times)


def test_shards_are_exact_for_bins_that_are_shorter() -> None:
    january = [1_704_067_200 * 10**9 + hour * 3_600 * 10**9 for hour in range(31 * 24)]
    assert count_shards(Outcomes(parts=[part(january)]), 7 * 86_400) == shards(january, 7 * 86_400) == 5
    assert count_shards(Outcomes(parts=[part(january[:1]), part([])]), 3_600) == 1


def test_many_shards_are_a_warning_unless_those_of_the_bucket_are_long() -> None:
    weeks = Outcomes(parts=[part([week * 7 * DAY_NS for week in range(201)])])
    assumed = plausibility(weeks, GENERATION, None)
    assert (assumed["shards"], assumed["shard_duration"]) == (201, "assumed")
    [warning] = assumed["warnings"]
    assert "up to 201 shards of 7 days" in warning
    known = plausibility(weeks, GENERATION, 70 * 86_400)
    assert (known["shard_duration"], known["warnings"]) == ("bucket", [])
    assert (
        plausibility(Outcomes(parts=[part([week * 7 * DAY_NS for week in range(200)])]), None, None)["warnings"] == []
    )


@pytest.mark.parametrize(
    ("times", "local"),
    [
        (pa.array([0], pa.timestamp("us")), True),
        (pa.array([0], pa.date32()), True),
        (pa.array([0], pa.timestamp("us", "UTC")), False),
        (["2024-01-01T00:00:00Z"], False),
        (["2024-01-01T00:00:00"], True),
        (pa.array(["2024-01-01T00:00:00-03:00", "2024-01-01"]).dictionary_encode(), True),
        (pa.nulls(1), False),
    ],
)
def test_times_without_a_zone_are_noted(times: Any, local: bool) -> None:  # noqa: FBT001
    records = convert_table(generation(len(times), timestamp=times)).records
    assert records.local_times == local
    notes = plausibility(Outcomes(parts=[part([0], local_times=local)]), GENERATION, None)["notes"]
    assert notes == (["times without a zone were read as UTC"] if local else [])


def test_the_note_names_the_zone_of_the_dataset() -> None:
    dataset = replace(GENERATION, zone="America/Sao_Paulo")
    [note] = plausibility(Outcomes(parts=[part([0], local_times=True)]), dataset, None)["notes"]
    assert note == "times without a zone were read as local times of America/Sao_Paulo, the zone of the dataset"


def test_implausible_times_are_noted_with_their_span() -> None:
    outcome = part([0], set_aside={"implausible_time": 2}, implausible_span=[0, DAY_NS])
    [note] = plausibility(Outcomes(parts=[outcome]), GENERATION, None)["notes"]
    assert note == "2 rows with implausible times, from 1970-01-01 00:00 to 1970-01-02 00:00, were set aside"


def test_a_duration_is_in_its_largest_unit() -> None:
    assert [format_duration(seconds) for seconds in (86_400, 5_400, 7_200)] == ["1 day", "5,400 seconds", "2 hours"]
