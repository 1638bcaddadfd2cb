"""The column of times is found by type, name and values, and its zone by the hours that clocks skip."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from cli.errors import RefusedError
from cli.suggestion.times import choose_zone, find_time, times_of

DAY = pa.array([datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in range(3)], pa.timestamp("s", "UTC"))
LOCAL = ["2024-01-01 00:00", "2024-01-01 01:00", None]


@pytest.mark.parametrize(
    ("table", "name", "epoch"),
    [
        ({"updated_at": DAY, "measured": DAY}, "measured", None),
        ({"measured": DAY, "timestamp": DAY}, "timestamp", None),
        ({"note": ["a", "b", "c"], "din_instante": LOCAL}, "din_instante", None),
        ({"power": [1, 2, 3], "ts": [1_704_067_200, 1_704_067_201, None]}, "ts", "s"),
        ({"epoch_ms": [1_704_067_200_000, 1_704_067_201_000, None]}, "epoch_ms", "ms"),
    ],
)
def test_the_column_of_times_is_the_one_that_fits_best(table: dict[str, object], name: str, epoch: str | None) -> None:
    time = find_time(pa.table(table))
    assert (time.name, time.epoch) == (name, epoch)


def test_only_times_without_a_zone_are_local() -> None:
    assert not find_time(pa.table({"t": DAY})).is_local
    assert find_time(pa.table({"t": LOCAL})).is_local
    assert not find_time(pa.table({"t": ["2024-01-01T00:00Z", "2024-01-01T00:00-03:00"]})).is_local


def test_a_table_without_times_is_refused() -> None:
    with pytest.raises(RefusedError, match="no column holds times"):
        find_time(pa.table({"year": [2024, 2025], "name": ["a", "b"]}))


def local_hours(first: datetime, hours: int, *missing: str) -> pa.Table:
    times = [first + timedelta(hours=hour) for hour in range(hours)]
    return pa.table({"t": [f"{time:%Y-%m-%d %H:%M}" for time in times if f"{time:%m-%d %H}" not in missing]})


@pytest.mark.parametrize(
    ("table", "zone", "reason"),
    [
        (local_hours(datetime(2018, 11, 3), 72, "11-04 00"), "America/Sao_Paulo", "lack the hours"),  # noqa: DTZ001
        (local_hours(datetime(2024, 3, 30), 72, "03-31 02"), "Europe/Brussels", "lack the hours"),  # noqa: DTZ001
        (local_hours(datetime(2024, 3, 9), 72, "03-10 02"), "UTC", "America/New_York, America/Chicago"),  # noqa: DTZ001
        (local_hours(datetime(2018, 11, 3), 72), "UTC", "nothing in them tells it"),  # noqa: DTZ001
        (local_hours(datetime(2018, 11, 3), 20), "UTC", "nothing in them tells it"),  # noqa: DTZ001
    ],
)
def test_the_zone_is_the_one_whose_clocks_skip_the_missing_hours(table: pa.Table, zone: str, reason: str) -> None:
    chosen, why = choose_zone(table["t"], find_time(table), "")
    assert chosen == zone
    assert reason in why


def test_the_name_of_the_column_may_tell_that_its_times_are_utc() -> None:
    table = local_hours(datetime(2018, 11, 3), 72, "11-04 00").rename_columns(["DateTime(UTC)"])  # noqa: DTZ001
    zone, why = choose_zone(table["DateTime(UTC)"], find_time(table), "")
    assert (zone, "The name of the column says" in why) == ("UTC", True)


def test_a_zone_that_the_operator_names_is_used() -> None:
    table = local_hours(datetime(2018, 11, 3), 72, "11-04 00")  # noqa: DTZ001
    assert choose_zone(table["t"], find_time(table), "Europe/London")[0] == "Europe/London"
    assert times_of(table["t"], find_time(table), "America/Sao_Paulo")[0] == 1541214000 * 10**9
