"""WriteBatch: how long it waits itself, when it comes back, and when it gives up."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from functions.write_batch.pause import MAX_WAITS_WITHOUT_PROGRESS
from shared.errors import InfluxUnavailableError
from shared.events import ChunkProgress, ChunkRef
from tests.support.scripted_influx import Reply, ScriptedInflux
from tests.support.staged_chunk import CHUNK, gzip_members, outcome, points, stage, write

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def back_again(ref: ChunkRef, answer: ChunkProgress) -> ChunkRef:
    """Return the event that the state machine passes after a wait."""
    return {**ref, "next_batch": answer["next_batch"], "waits": answer["waits"]}


def test_a_short_retry_after_is_waited_for(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    influx.script = [Reply(429, headers={"Retry-After": "1"})]
    assert write(stage(s3, points(3)), context)["written"]
    first, second = influx.writes
    assert second.at - first.at >= 1


def test_a_long_retry_after_is_left_to_the_state_machine(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref, asked_at = stage(s3, points(3)), datetime.now(UTC)
    influx.script = [Reply(503, headers={"Retry-After": "60"})]
    answer = write(ref, context)
    assert (answer["written"], answer["next_batch"], answer["waits"]) == (False, 0, 1)
    assert datetime.fromisoformat(answer["not_before"]) >= asked_at + timedelta(seconds=60)
    assert [run["then"] for run in outcome(s3)["runs"]] == ["WaitForInflux"]


def test_an_invocation_before_its_time_sends_nothing(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, points(3))
    influx.script = [Reply(503, headers={"Retry-After": "60"})]
    first = write(ref, context)
    second = write(ref, context)
    assert second["not_before"] == first["not_before"]
    assert len(influx.writes) == 1


def test_a_retry_after_of_more_than_15_minutes_ends_the_load(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, points(3))
    influx.script = [Reply(503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})]
    for _ in range(2):
        with pytest.raises(InfluxUnavailableError, match="no requests before 20"):
            write(ref, context)
    assert len(influx.writes) == 1
    assert outcome(s3)["chunk"] == CHUNK
    assert [run["then"] for run in outcome(s3)["runs"]] == ["", ""]


def test_an_invocation_ends_before_its_time_does(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, *(points(1, first=number) for number in range(10)))
    context.get_remaining_time_in_millis = lambda: 60_000 if len(influx.writes) < 4 else 14_000
    answer = write(ref, context)
    assert not answer["written"]
    assert answer["next_batch"] in (4, 5)
    assert answer["waits"] == 0
    context.get_remaining_time_in_millis = lambda: 60_000
    assert write(back_again(ref, answer), context)["written"]
    assert [run["then"] for run in outcome(s3)["runs"]] == ["WaitForInflux", ""]
    assert sorted(request.body for request in influx.writes) == sorted(
        gzip_members([points(1, first=number) for number in range(10)])
    )


def test_waits_without_progress_are_counted_and_end(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, points(3))
    context.get_remaining_time_in_millis = lambda: 1_000
    assert write({**ref, "waits": MAX_WAITS_WITHOUT_PROGRESS - 1}, context)["waits"] == MAX_WAITS_WITHOUT_PROGRESS
    with pytest.raises(InfluxUnavailableError, match=f"accepted no batch after {MAX_WAITS_WITHOUT_PROGRESS} waits"):
        write({**ref, "waits": MAX_WAITS_WITHOUT_PROGRESS}, context)
