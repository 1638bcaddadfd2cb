"""WriteBatch and points that InfluxDB refuses: found, set aside, and everything else written."""

import gzip
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from functions.write_batch.delivery import MAX_SEARCH_REQUESTS, WRITERS
from functions.write_batch.reasons import CHARACTERS, SAMPLES
from shared.accounts import Accounts, chunk_accounts
from shared.errors import RefusedPointsError
from shared.outages import WriteLaterError
from shared.stored import RejectedPoint
from shared.work_bucket import get_json, outcome_key, points_quarantine_key
from tests.functional.conftest import WORK
from tests.support.scripted_influx import Reply, Request, ScriptedInflux
from tests.support.staged_chunk import CHUNK_PATH, outcome, points, stage, write

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BAD = b"bad,t=a f=1 1"
V27 = Reply(400, {"code": "invalid", "message": "unable to parse 'bad,t=a f=1 1'"})
V3 = Reply(400, {"error": "parsing failed for write_lp endpoint", "data": {"error_message": "invalid field value"}})

V3_PARTIAL = Reply(400, {"error": "partial write of line protocol occurred", "data": [{"error_message": "a conflict"}]})


class Store:
    """Takes lines as InfluxDB does; of a body with a bad line nothing, or the rest if `partial`."""

    def __init__(self, refusal: Reply, *, partial: bool) -> None:
        self.refusal = refusal
        self.partial = partial
        self.lines: list[bytes] = []

    def __call__(self, request: Request) -> Reply:
        good = [line for line in request.lines if line and not line.startswith(b"bad")]
        refused = any(line.startswith(b"bad") for line in request.lines)
        if self.partial or not refused:
            self.lines.extend(good)
        return self.refusal if refused else Reply(204)


def quarantined(s3: "S3Client") -> list[RejectedPoint]:
    key = points_quarantine_key("generation", *CHUNK_PATH)
    return [
        json.loads(line) for line in gzip.decompress(s3.get_object(Bucket=WORK, Key=key)["Body"].read()).splitlines()
    ]


@pytest.mark.parametrize(
    ("refusal", "partial"), [(V27, False), (V3, False), (V3_PARTIAL, True), (Reply(422, "conflict"), True)]
)
def test_rejected_points_are_set_aside_and_the_others_written(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, refusal: Reply, *, partial: bool
) -> None:
    store = influx.fallback = Store(refusal, partial=partial)
    good = points(20)
    ref = stage(s3, [*good[:7], BAD, *good[7:]], points(5, first=20))
    assert write(ref, context)["written"]
    assert set(store.lines) == set(points(25))
    stored = outcome(s3)
    assert (stored["written"], stored["refused"]) == ({"0": 20, "1": 5}, {"0": 1})
    (point,) = quarantined(s3)
    assert (point["source_row"], point["line"], point["status"]) == (14, BAD.decode(), refusal.status)


def test_the_quarantine_quotes_the_server(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    influx.fallback = Store(V3, partial=False)
    write(stage(s3, [BAD, *points(3)]), context)
    assert quarantined(s3)[0]["message"] == (
        "InfluxDB returned 400 (it rejected points): parsing failed for write_lp endpoint: invalid field value"
    )


def test_the_outcome_says_why_with_the_first_points(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    influx.fallback = Store(V3, partial=False)
    bad = [b"bad,t=%s f=1 1" % (b"x" * 10 * CHARACTERS) for _ in range(SAMPLES + 2)]
    write(stage(s3, [*points(1), *bad]), context)
    (reason,) = get_json(s3, outcome_key(*CHUNK_PATH))["reasons"]
    assert (reason["rule"], reason["rows"]) == ("refused_by_influxdb", SAMPLES + 2)
    assert reason["reason"].endswith("invalid field value")
    assert [sample["source_row"] for sample in reason["samples"]] == [2, 4, 6]
    assert all(sample["record"] == {"line": bad[0].decode()[:CHARACTERS]} for sample in reason["samples"])


def test_a_batch_of_one_line_that_is_too_large_is_set_aside_at_once(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    influx.fallback = Store(Reply(413, {"code": "request too large", "message": "too large"}), partial=False)
    assert write(stage(s3, points(1), [BAD], points(1, first=2)), context)["written"]
    assert len(influx.writes) == 3
    assert get_json(s3, outcome_key(*CHUNK_PATH))["written"] == {"0": 1, "1": 0, "2": 1}
    assert [(point["source_row"], point["status"]) for point in quarantined(s3)] == [(2, 413)]


def test_if_no_points_may_be_dropped_the_chunk_fails_after_writing_the_rest(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROP_INVALID_RECORDS", "false")
    store = influx.fallback = Store(V27, partial=False)
    ref = stage(s3, [BAD, *points(3)], points(2, first=3))
    with pytest.raises(RefusedPointsError, match=r"source row 0: .*unable to parse.*already written: 5 points"):
        write(ref, context)
    assert set(store.lines) == set(points(5))
    assert len(quarantined(s3)) == 1


def test_a_search_that_takes_too_many_requests_ends_the_load(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    influx.fallback = Store(V27, partial=False)
    ref = stage(s3, [b"bad,t=a f=1 %d" % number for number in range(5000)])
    with pytest.raises(RefusedPointsError, match=rf"after {MAX_SEARCH_REQUESTS} requests .* rejected \d+ points"):
        write(ref, context)
    assert len(influx.writes) <= MAX_SEARCH_REQUESTS + WRITERS
    stored = outcome(s3)
    rejected = stored["refused"]["0"]
    assert (stored["written"], len(quarantined(s3))) == ({}, rejected)
    assert chunk_accounts(stored) == Accounts(rejected=rejected, unknown=5000 - rejected)
    assert rejected > MAX_SEARCH_REQUESTS // 3


def test_points_rejected_before_an_interruption_stay_in_the_outcome(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, [BAD, *points(2)], points(2, first=2))
    store = Store(V27, partial=False)
    influx.fallback = lambda request: Reply(503) if points(1, first=3)[0] in request.lines else store(request)
    with pytest.raises(WriteLaterError):
        write(ref, context)
    influx.fallback = store
    write(ref, context)
    assert [point["source_row"] for point in quarantined(s3)] == [0]
    assert get_json(s3, outcome_key(*CHUNK_PATH))["refused"] == {"0": 1}


def test_bisection_sends_compressed_bodies(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    influx.fallback = Store(V27, partial=False)
    write(stage(s3, [BAD, *points(3)]), context)
    assert {request.headers["Content-Encoding"] for request in influx.writes} == {"gzip"}
    assert [len(request.lines) for request in influx.writes] == [4, 2, 1, 1, 2]
