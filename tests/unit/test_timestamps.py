"""Times of every type become nanoseconds since 1970 in UTC, or have a reason not to."""

import dataclasses
import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.columns.timestamps import timestamps
from shared.datasets import Dataset
from tests.support.builders import generation, parquet
from tests.support.conversion import GENERATION, convert_table

SAO_PAULO = dataclasses.replace(GENERATION, zone="America/Sao_Paulo")


def times_or_rules(
    values: list[Any], kind: pa.DataType | None = None, dataset: Dataset = GENERATION
) -> list[int | str]:
    """Return each row's nanoseconds, or the rule that sets it aside."""
    ns, problems = timestamps(pa.array(values, kind), dataset)
    result: list[int | str] = ns.tolist()
    for problem in reversed(problems):  # of several rules the first stays
        for row in np.flatnonzero(problem.rows):
            result[row] = problem.reason.rule
    return result


@pytest.mark.parametrize(("unit", "ns"), [("s", 10**9), ("ms", 10**6), ("us", 1000), ("ns", 1)])
@pytest.mark.parametrize("zone", [None, "UTC", "America/Sao_Paulo"])
def test_every_unit_is_scaled_and_the_zone_of_the_column_does_not_shift_times(
    unit: str, ns: int, zone: str | None
) -> None:
    assert times_or_rules([0, 5, -3, None], pa.timestamp(unit, zone)) == [0, 5 * ns, -3 * ns, "no_timestamp"]


def test_a_time_with_its_own_zone_ignores_the_zone_of_the_dataset() -> None:
    assert times_or_rules([0], pa.timestamp("us", "UTC"), SAO_PAULO) == [0]
    assert times_or_rules([0], pa.timestamp("us"), SAO_PAULO) == [3 * 3600 * 10**9]


def test_the_ends_of_the_range() -> None:
    last = 2**63 - 2 - 86_400 * 10**9
    assert times_or_rules([last, last + 1, -last, -last - 1], pa.timestamp("ns")) == [
        last,
        "timestamp_out_of_range",
        -last,
        "timestamp_out_of_range",
    ]
    assert times_or_rules([2**62, -(2**62)], pa.timestamp("s")) == ["timestamp_out_of_range"] * 2


def test_a_date_is_midnight_in_the_zone_of_the_dataset() -> None:
    assert times_or_rules([dt.date(1970, 1, 2)]) == [86_400 * 10**9]
    assert times_or_rules([dt.date(1970, 1, 2)], dataset=SAO_PAULO) == [(86_400 + 3 * 3600) * 10**9]


def test_integers_need_a_declaration_of_their_unit() -> None:
    assert times_or_rules([5, None], pa.int64(), dataclasses.replace(GENERATION, epoch="ms")) == [
        5_000_000,
        "no_timestamp",
    ]


def test_declared_integers_of_every_width_are_times_or_out_of_range() -> None:
    seconds = dataclasses.replace(GENERATION, epoch="s")
    for kind in (pa.int8(), pa.uint16(), pa.int32(), pa.uint64()):
        assert times_or_rules([5, None], kind, seconds) == [5_000_000_000, "no_timestamp"]
    assert times_or_rules([2**64 - 1, 2**63, 1], pa.uint64(), seconds) == ["timestamp_out_of_range"] * 2 + [10**9]


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.date32(), pa.string(), pa.null()], ids=str)
def test_a_column_of_nulls_has_no_times(kind: pa.DataType) -> None:
    for dataset in (GENERATION, SAO_PAULO):
        assert times_or_rules([None, None], kind, dataset) == ["no_timestamp"] * 2
        assert timestamps(pa.nulls(2, kind).dictionary_encode(), dataset)[0].shape == (2,)


def test_a_midnight_that_clocks_skipped_is_no_date() -> None:
    assert times_or_rules([dt.date(2018, 11, 4), dt.date(2018, 11, 5)], dataset=SAO_PAULO) == [
        "nonexistent_time",
        ns_of(dt.datetime(2018, 11, 5)),  # noqa: DTZ001
    ]


@given(
    st.datetimes(dt.datetime(1678, 1, 2), dt.datetime(2261, 12, 30)),  # noqa: DTZ001
    st.integers(0, 9),
    st.sampled_from(["", "Z", " Z", "+00:00", "-03:00", "+0530", "-09"]),
    st.sampled_from("T "),
)
def test_text_means_what_it_means_to_the_standard_library(
    local: dt.datetime, digits: int, offset: str, between: str
) -> None:
    fraction = f"{local.microsecond:06}789"[:digits]
    text = f"{local:%Y-%m-%d}{between}{local:%H:%M:%S}" + (f".{fraction}" if fraction else "") + offset
    at = dt.datetime.fromisoformat(f"{local:%Y-%m-%dT%H:%M:%S}{offset.strip() or 'Z'}")
    seconds = (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(seconds=1)
    expected = seconds * 10**9 + int(fraction.ljust(9, "0"))
    beside_others = ["9999-12-31", text, "1500-01-01T00:00:00Z", "2024-01-01 00:00:00.123456789"]
    assert times_or_rules([text]) == [expected]
    assert times_or_rules(beside_others)[1] == expected


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_text_is_read_as_iso_8601(kind: pa.DataType) -> None:
    texts = [
        "1970-01-02",
        "1970-01-01 00:00",
        " 1970-01-01T00:00:01.5 ",
        "1970-01-01 00:00:00.123456789",
        "1970-01-01T00:00:00Z",
        "1970-01-01 00:00:00-03:00",
        "1970-01-01T02:00:00+0200",
        None,
    ]
    assert times_or_rules(texts, kind) == [
        86_400 * 10**9,
        0,
        1_500_000_000,
        123_456_789,
        0,
        3 * 3600 * 10**9,
        0,
        "no_timestamp",
    ]


def test_text_without_an_offset_is_local() -> None:
    assert times_or_rules(["1970-01-01 00:00:00", "1970-01-01T00:00:00Z"], dataset=SAO_PAULO) == [3 * 3600 * 10**9, 0]


@pytest.mark.parametrize(
    "text",
    ["now", "today", "", "-", "x", "20240101", "2024", "2024-02-30", "2024-01-01 24:00:00", "01/02/2024 03:00",
     "2024-01-01 00:00:00.1234567891", "9999-12-31", "1500-01-01 00:00:00", "NaT", "1704067200000"],
)  # fmt: skip
def test_other_text_is_not_a_time_and_never_the_current_time(text: str) -> None:
    assert times_or_rules([text]) == ["unreadable_timestamp"]


def test_a_dictionary_is_read_by_its_values() -> None:
    array = pa.array(["1970-01-02", "x", None, "1970-01-02"]).dictionary_encode()
    assert times_or_rules(array.to_pylist(), pa.dictionary(pa.int32(), pa.string())) == [
        86_400 * 10**9,
        "unreadable_timestamp",
        "no_timestamp",
        86_400 * 10**9,
    ]


def test_an_hour_that_clocks_skip_or_repeat_sets_the_row_aside() -> None:
    local = [
        dt.datetime.fromisoformat(text)
        for text in ("2018-11-03T23:59:59", "2018-11-04", "2018-11-04T01", "2018-02-17T22:59:59", "2018-02-17T23:30")
    ]
    assert times_or_rules(local, dataset=SAO_PAULO) == [
        ns_of(local[0]),
        "nonexistent_time",
        ns_of(local[2]),
        ns_of(local[3]),
        "ambiguous_time",
    ]


@given(
    st.sampled_from(
        ["2018-11-03T12:00", "2018-02-17T12:00", "1931-10-03T00:00", "1914-01-01T00:00", "2024-01-01T00:00"]
    ),
    st.integers(0, 36 * 60),
)
def test_local_times_agree_with_the_standard_library(day: str, minutes: int) -> None:
    local = dt.datetime.fromisoformat(day) + dt.timedelta(minutes=minutes)
    [result] = times_or_rules([local], pa.timestamp("us"), SAO_PAULO)
    zone = ZoneInfo("America/Sao_Paulo")
    instants = {local.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1)}
    real = {at for at in instants if at.astimezone(zone).replace(tzinfo=None) == local}
    if len(real) == 1:
        assert result == ns_of(local)
    else:
        assert result == ("ambiguous_time" if real else "nonexistent_time")


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1))
def test_nanoseconds_pass_unchanged_or_are_out_of_range(values: list[int]) -> None:
    for value, result in zip(values, times_or_rules(values, pa.timestamp("ns")), strict=True):
        assert result in (value, "timestamp_out_of_range")


def test_int96_is_exact_to_the_nanosecond() -> None:
    times = pa.array([1_704_067_200_123_456_789, None, -1], pa.timestamp("ns"))
    result = convert_table(parquet(generation(3, timestamp=times), use_deprecated_int96_timestamps=True))
    assert [line.split(" ")[-1] for line in result.lines] == ["1704067200123456789", "-1"]


def test_int96_beyond_the_range_is_set_aside_not_wrapped() -> None:
    times = pa.array([0, 2**62, -(2**62)], pa.timestamp("us"))
    result = convert_table(parquet(generation(3, timestamp=times), use_deprecated_int96_timestamps=True))
    assert result.set_aside == {1: "timestamp_out_of_range", 2: "timestamp_out_of_range"}


@pytest.mark.parametrize("milliseconds", [2**64 // 1000 + 1_704_067_200_000, -(2**64) // 1000, 15 * 10**16])
def test_int96_beyond_what_microseconds_hold_is_set_aside_not_wrapped(milliseconds: int) -> None:
    times = pa.array([1_704_067_200_123, milliseconds], pa.timestamp("ms"))
    result = convert_table(parquet(generation(2, timestamp=times), use_deprecated_int96_timestamps=True))
    assert result.set_aside == {1: "timestamp_out_of_range"}
    assert result.lines[0].endswith(" 1704067200123000000")


def ns_of(local: dt.datetime) -> int:
    at = local.replace(tzinfo=ZoneInfo("America/Sao_Paulo")).astimezone(dt.UTC)
    return (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) * 1000
