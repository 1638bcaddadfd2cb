"""What `loader history` and `loader retry` choose from past loads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cli.past_loads import Entry, Filter, last_of_each

START = datetime(2024, 1, 1, tzinfo=UTC)

LOADED = Entry(
    object="s3://source/dataset=generation/a.parquet",
    status="loaded",
    dataset="generation",
    load_id="0" * 16,
    execution="arn:run",
    started_at=START,
    ended_at=START + timedelta(seconds=5),
    input_rows=10,
    points_written=10,
    error="",
    message="",
    report="",
)
FAILED = replace(LOADED, status="failed")


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(prefix="s3://source/dataset=gen"),
        Filter(prefix="source/dataset=gen"),
        Filter(status="loaded", dataset="generation", since=START),
    ],
)
def test_what_was_asked_for_is_taken(wanted: Filter) -> None:
    assert wanted.takes(LOADED)


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(prefix="dataset=gen"),
        Filter(status="failed"),
        Filter(dataset="consumption"),
        Filter(since=START + timedelta(seconds=1)),
    ],
)
def test_everything_else_is_left_out(wanted: Filter) -> None:
    assert not wanted.takes(LOADED)


def test_what_was_loaded_after_it_failed_is_loaded() -> None:
    other = replace(FAILED, object="s3://source/b")
    last = last_of_each([LOADED, FAILED, other])
    assert last == {LOADED.object: LOADED, other.object: other}
