"""A load that fails while a WriteBatch starts: no point that may have been sent is reported as not sent.

ReportFailure runs before and after each S3 call of WriteBatch, and the other way around.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.report_load.handler import lambda_handler as report_load
from shared.aws_clients import s3_client
from shared.errors import LoadEndedError
from shared.work_bucket import get_json, outcome_key, put_json
from tests.support.aws_events import handling
from tests.support.finished_load import HEALTH, RUN
from tests.support.scripted_influx import Reply, ScriptedInflux
from tests.support.staged_chunk import CHUNK_PATH, points, stage, write

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from shared.events import ChunkRef

LINES = 5


@pytest.fixture
def ref(s3: "S3Client", influx: ScriptedInflux) -> "ChunkRef":
    """A converted file with one chunk, in front of a server that accepts it."""
    influx.fallback = lambda _: Reply(204)
    ref = stage(s3, points(LINES))
    chunk = {name: ref[name] for name in ("chunk", "sha256", "points")}
    part: dict[str, Any] = {
        "part": 0,
        "rows": LINES,
        "points": LINES,
        "collapsed": 0,
        "batches": 1,
        "chunks": [chunk],
        "profile": None,
    }
    part |= {"started_at": RUN["started_at"], "seconds": 0.1, "body_bytes": 1, "series": 1, "reasons": []}
    part |= {name: {} for name in ("set_aside", "fields_left_out", "out_of_bounds")}
    part |= {name: [] for name in ("ignored_columns", "collision_columns")}
    put_json(s3, outcome_key(*CHUNK_PATH[:2], "0000"), part)
    return ref


def report_failure(s3: "S3Client", ref: "ChunkRef", context: SimpleNamespace) -> dict[str, int]:
    """Report that another chunk failed, and return the points by fate."""
    file: dict[str, Any] = {name: ref[name] for name in ("load_id", "bucket", "key", "dataset")}
    file |= {"version_id": "v", "etag": "e", "size": 1, "layout": "wide", "rows": LINES, "parts": [{}]}
    file |= {"skipped": "", "not_before": "", "ran": {"PinSource": RUN, "ValidateSchema": RUN}}
    state = {
        "event": {"bucket": ref["bucket"], "key": ref["key"]},
        "execution": {"id": "arn:run-1", "name": ref["execution"], "start_time": RUN["started_at"]},
        "health": HEALTH,
        "file": file,
        "converted": {"chunks": []},
        "error": {"Error": "BucketNotFoundError", "Cause": "another chunk"},
    }
    answer: Any = report_load({"state": "ReportFailure", "input": state}, context)  # type: ignore[arg-type, typeddict-item]
    points: dict[str, int] = get_json(s3, answer["report"])["response"]["data"]["points"]
    return points


@contextmanager
def at_call(number: int, event: str, act: Callable[[], None]) -> Iterator[list[str]]:
    """Act once, before or after the call to S3 with this number, and yield the names of all calls until then."""
    calls: list[str] = []
    events = s3_client().meta.events

    def count(model: Any, **_: Any) -> None:
        calls.append(model.name)
        if len(calls) == number + 1:
            events.unregister(event, count)
            act()

    with handling(events, event, count):
        yield calls


def write_unless_ended(ref: "ChunkRef", context: SimpleNamespace) -> None:
    with suppress(LoadEndedError):
        write(ref, context)


@pytest.mark.parametrize("event", ["before-call.s3", "after-call.s3"])
@pytest.mark.parametrize("number", range(6))
def test_a_report_during_any_step_of_a_writer_calls_nothing_not_sent_that_is_sent(  # noqa: PLR0917
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, ref: "ChunkRef", number: int, event: str
) -> None:
    reports: list[dict[str, int]] = []
    with at_call(number, event, lambda: reports.append(report_failure(s3, ref, context))):
        write_unless_ended(ref, context)
    (report,) = reports
    assert sum(report.values()) == LINES
    assert not (influx.requests and report["not_sent"])


@pytest.mark.parametrize("number", range(5))
def test_a_writer_that_starts_during_any_step_of_a_report_sends_nothing_that_is_called_not_sent(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, ref: "ChunkRef", number: int
) -> None:
    with at_call(number, "after-call.s3", lambda: write_unless_ended(ref, context)) as calls:
        report = report_failure(s3, ref, context)
    assert len(calls) > number
    assert not (influx.requests and report["not_sent"])


def test_a_writer_after_the_report_sends_nothing(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, ref: "ChunkRef"
) -> None:
    assert report_failure(s3, ref, context) == {
        "stored": 0,
        "rejected": 0,
        "superseded": 0,
        "not_sent": LINES,
        "unknown": 0,
    }
    with pytest.raises(LoadEndedError, match="chunk 0000-0000 is not sent any more"):
        write(ref, context)
    assert influx.requests == []
