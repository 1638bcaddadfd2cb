"""WriteBatch: what goes out, what is sent again, and what is left behind."""

from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from functions.write_batch.delivery import WRITERS
from shared.errors import BucketNotFoundError, ChunkDamagedError, LoaderError, SettingsError
from shared.outages import WriteLaterError
from shared.work_bucket import chunk_key, get_json, manifest_key, put_json
from tests.functional.conftest import WORK
from tests.support.scripted_influx import BROKEN, RESET, Reply, ScriptedInflux
from tests.support.staged_chunk import CHUNK, CHUNK_PATH, gzip_members, outcome, points, stage, write

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_every_member_goes_out_as_it_was_staged(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    batches = [points(3), points(2, first=3)]
    answer = write(stage(s3, *batches), context)
    assert answer == {"chunk": CHUNK, "written": True, "next_batch": 2, "not_before": "", "waits": 0}
    assert sorted(request.body for request in influx.writes) == sorted(gzip_members(batches))
    assert influx.writes[0].query == {"org": "grid", "bucket": "ons", "precision": "ns"}
    assert influx.writes[0].headers["Content-Encoding"] == "gzip"


def test_connections_are_few_and_reused(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    write(stage(s3, *(points(1, first=number) for number in range(40))), context)
    assert len(influx.writes) == 40
    assert len({request.port for request in influx.writes}) <= WRITERS


def test_the_outcome_says_what_was_written(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    write(stage(s3, points(3), points(2, first=3)), context)
    result = outcome(s3)
    (run,) = result["runs"]
    assert datetime.fromisoformat(run["started_at"]) <= datetime.fromisoformat(run["ended_at"])
    assert sum(result["latencies_ms"].values()) == result["requests"]
    assert 0 < result["slowest_ms"] <= max(map(int, result["latencies_ms"]))
    assert {**result, "latencies_ms": {}, "slowest_ms": 0, "runs": [], "seconds": 0} == {
        "chunk": CHUNK,
        "points": 5,
        "batches": 2,
        "written": {"0": 3, "1": 2},
        "refused": {},
        "unknown": {},
        "unfinished": {},
        "not_started": 0,
        "running": False,
        "requests": 2,
        "search_requests": 0,
        "server_errors": 0,
        "latencies_ms": {},
        "slowest_ms": 0,
        "runs": [],
        "seconds": 0,
        "not_before": "",
        "reasons": [],
    }


@pytest.mark.parametrize("fault", [Reply(500), Reply(503), Reply(429), RESET, BROKEN])
def test_after_a_fault_the_same_bytes_are_sent_again(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, fault: Reply
) -> None:
    influx.script = [fault]
    assert write(stage(s3, points(3)), context)["written"]
    first, second = influx.writes
    assert first.body == second.body == gzip_members([points(3)])[0]
    assert first.port != second.port or fault.status > 0


def test_a_server_that_always_fails_gets_a_limited_number_of_requests(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    influx.fallback = lambda _: Reply(503, {"code": "unavailable", "message": "engine is compacting"})
    expected = r"chunk 0000-0000, batch 0: InfluxDB returned 503 .*: engine is compacting"
    with pytest.raises(WriteLaterError, match=expected):
        write(stage(s3, points(3)), context)
    assert len(influx.writes) == 2
    assert outcome(s3)["written"] == {}


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Reply(404), BucketNotFoundError), (Reply(200, "<html>"), SettingsError), (Reply(302), SettingsError)],
)
def test_a_permanent_error_is_not_retried(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, reply: Reply, error: type[LoaderError]
) -> None:
    influx.fallback = lambda _: reply
    with pytest.raises(error):
        write(stage(s3, points(3)), context)
    assert len(influx.writes) == 1


def test_a_failure_among_many_batches_is_logged_once(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, *(points(1, first=number) for number in range(100)))
    influx.script = [Reply(204)] * 20
    influx.fallback = lambda _: Reply(404)
    with pytest.raises(BucketNotFoundError) as raised:
        write(ref, context)
    assert len(raised.traceback) < 20
    assert len(influx.writes) <= 20 + WRITERS


def test_a_batch_that_was_written_is_not_sent_again_after_an_error(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, points(3), points(2, first=3))
    influx.fallback = lambda request: Reply(503 if points(1, first=3)[0] in request.lines else 204)
    with pytest.raises(WriteLaterError):
        write(ref, context)
    influx.fallback, count = lambda _: Reply(204), len(influx.writes)
    assert write(ref, context)["written"]
    assert [request.body for request in influx.writes[count:]] == gzip_members([points(2, first=3)])
    assert outcome(s3)["written"] == {"0": 3, "1": 2}


def test_a_chunk_that_is_gone_is_damaged(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    ref = stage(s3, points(3))
    s3.delete_object(Bucket=WORK, Key=chunk_key(*CHUNK_PATH))
    with pytest.raises(ChunkDamagedError, match=r"0000-0000.lp.gz does not exist"):
        write(ref, context)
    assert not influx.requests


def test_a_chunk_that_was_altered_is_damaged(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    ref = stage(s3, points(3))
    s3.put_object(Bucket=WORK, Key=chunk_key(*CHUNK_PATH), Body=gzip_members([points(3, first=1)])[0])
    with pytest.raises(ChunkDamagedError, match="altered after it was staged"):
        write(ref, context)
    assert not influx.requests


@pytest.mark.parametrize("lie", [{"offset": 1}, {"length": 5}, {"points": 4}, {"rows": [[0, 9]]}])
def test_a_manifest_that_was_altered_is_damage(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, lie: dict[str, object]
) -> None:
    ref = stage(s3, points(3), points(2, first=3))
    manifest = get_json(s3, manifest_key(*CHUNK_PATH))
    manifest["batches"][1].update(lie)
    put_json(s3, manifest_key(*CHUNK_PATH), manifest)
    with pytest.raises(ChunkDamagedError, match="manifest of chunk 0000-0000"):
        write(ref, context)
    assert not influx.requests
