"""The order of revisions: times as times, other values as text, and a file without a revision is the oldest."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets import DATASETS
from shared.revisions import FileVersion, is_newer_file, revision_of, sort_key

GENERATION = DATASETS["generation"]
FOLDER = "processing_metadata_processed_at"
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.one_of(st.none(), ZONES))  # noqa: DTZ001
VALUES = st.one_of(TIMES.map(str), TIMES.map(datetime.isoformat), st.text("0123456789-:. TvZ", min_size=1, max_size=12))


def as_utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@given(TIMES, TIMES)
def test_two_times_are_compared_as_times_however_they_are_written(one: datetime, other: datetime) -> None:
    assert (sort_key(one.isoformat()) < sort_key(str(other))) == (as_utc(one) < as_utc(other))


@given(st.text("abcxyz_v0123456789", min_size=1), st.text("abcxyz_v", min_size=1))
def test_values_that_are_not_times_are_compared_as_text(one: str, other: str) -> None:
    one = f"v{one}"
    assert (sort_key(one) < sort_key(other)) == (one < other)


@given(st.lists(VALUES, min_size=2, max_size=6))
def test_the_order_has_no_circles(values: list[str]) -> None:
    ordered = sorted(values, key=sort_key)
    assert all(sort_key(one) <= sort_key(other) for one, other in pairwise(ordered))
    assert all(sort_key("") < sort_key(value) for value in values)


@pytest.mark.parametrize(
    ("key", "revision"),
    [
        (f"dataset=generation/month=01/{FOLDER}=2024-08-01 03:04:05.678901/a.parquet", "2024-08-01 03:04:05.678901"),
        (f"dataset=generation/{FOLDER}=2024-08-01 03%3A04%3A05/a.parquet", "2024-08-01 03:04:05"),
        (f"{FOLDER}=2/dataset=generation/a.parquet", "2"),
        ("dataset=generation/month=01/a.parquet", ""),
        (f"dataset=generation/{FOLDER}=__HIVE_DEFAULT_PARTITION__/a.parquet", ""),
        (f"dataset=generation/{FOLDER}=2024-08-01.parquet", ""),
        (f"dataset=generation/my_{FOLDER}=2024-08-01/a.parquet", ""),
    ],
)
def test_the_revision_is_a_folder_of_the_key(key: str, revision: str) -> None:
    assert revision_of(key, GENERATION) == revision


def version(
    source: str = "a", name: str = "v1", *, revision: str = "", time: int = 5, sequencer: str = ""
) -> FileVersion:
    return {
        "revision": revision,
        "source": source,
        "source_version": name,
        "last_modified": time,
        "sequencer": sequencer,
    }


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (version("b", time=9), version("a", revision="2024", time=1)),
        (version("a"), version("b", time=6)),
        (version("a"), version("b")),
        (version(name="v1"), version(name="v2", time=6)),
        (version(name="v2", sequencer="0A"), version(name="v1", sequencer="0B")),
        (version(name="v1", sequencer="0A", time=6), version(name="v2", sequencer="0B", time=5)),
    ],
)
def test_the_newer_file_has_a_later_revision_or_else_is_modified_later(older: FileVersion, newer: FileVersion) -> None:
    assert (is_newer_file(newer, older), is_newer_file(older, newer)) == (True, False)


def test_a_version_is_not_newer_than_itself_although_an_input_without_sequencer_loads_it_again() -> None:
    by_event, by_name = version(sequencer="0A"), version()
    assert not is_newer_file(by_event, by_name)
    assert not is_newer_file(by_name, by_event)
