"""CheckHealth: which of the things that can be wrong with InfluxDB is wrong, and that no point is written."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from functions.check_health import handler
from functions.check_health.handler import lambda_handler
from shared.datasets import DATASETS
from shared.errors import (
    BucketNotFoundError,
    InfluxUnauthorizedError,
    InfluxUnavailableError,
    LoaderError,
    SettingsError,
    UntrustedCertificateError,
)
from shared.events import Execution, Health
from tests.support.certificates import create_self_signed
from tests.support.scripted_influx import RESET, Reply, Responder, ScriptedInflux, scripted_influx

BUCKETS, WRITE = "/api/v2/buckets", "/api/v2/write"
BUCKET_ID = "0f1e2d3c4b5a6978"
RETENTION_RULES = [{"type": "expire", "everySeconds": 0, "shardGroupDurationSeconds": 604_800}]
BUCKET_LIST = Reply(200, {"buckets": [{"id": BUCKET_ID, "name": "ons", "retentionRules": RETENTION_RULES}]})
NONE_READABLE = Reply(200, {"buckets": []})
NO_SUCH_PATH = Reply(404, "404 page not found")


def responder(replies: dict[str, Reply]) -> Responder:
    """Return a responder that replies by path, by default like InfluxDB 2.7 that has the bucket."""
    all_replies = {"/ping": Reply(204), BUCKETS: BUCKET_LIST, WRITE: Reply(204), **replies}
    return lambda request: all_replies.get(request.path, NO_SUCH_PATH)


def databases(*names: str) -> Reply:
    """Return the reply of InfluxDB 3 to SHOW DATABASES."""
    series = {"name": "databases", "columns": ["iox::database", "deleted"], "values": [[name, False] for name in names]}
    return Reply(200, {"results": [{"statement_id": 0, "series": [series]}]})


NO_VALUES = Reply(200, {"results": [{"statement_id": 0, "series": [{"name": "databases", "columns": ["name"]}]}]})
"""The reply of InfluxDB 2.7 to SHOW DATABASES for a token that may read no bucket."""

V3 = {"X-Influxdb-Version": "3.9.6"}
FORBIDDEN = Reply(403, {"code": "forbidden", "message": "insufficient permissions for write"})


@pytest.fixture
def influx(influx: ScriptedInflux) -> ScriptedInflux:
    influx.fallback = responder({})
    return influx


EXECUTION = Execution(id="arn", name="run-1", start_time="2024-01-01T00:00:00Z")


def check(context: SimpleNamespace) -> Health:
    """Call CheckHealth as a backfill does, which does not wait."""
    return lambda_handler({"event": {}, "execution": EXECUTION}, context)  # type: ignore[arg-type]


def test_a_server_with_the_bucket_is_healthy(influx: ScriptedInflux, context: SimpleNamespace) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    health = check(context)
    assert health["response_time_ms"] > 0
    began, finished = (datetime.fromisoformat(health["ran"][name]) for name in ("started_at", "ended_at"))
    assert before <= began <= finished <= datetime.now(UTC)
    assert (health["status"], health["version"], health["bucket"]) == ("healthy", "v2.7.12", "found")
    assert health["bucket_ids"] == dict.fromkeys(DATASETS, BUCKET_ID)
    assert health["shard_seconds"] == dict.fromkeys(DATASETS, 604_800)
    assert [request.path for request in influx.requests] == ["/ping", BUCKETS, WRITE]
    assert influx.requests[1].query == {"org": "grid", "name": "ons"}
    assert influx.requests[2].query == {"org": "grid", "bucket": "ons", "precision": "ns"}
    assert (influx.requests[2].body, influx.requests[2].headers.get("Content-Encoding")) == (b"", None)


@pytest.mark.parametrize(
    ("replies", "bucket"),
    [
        ({BUCKETS: Reply(200, {"buckets": []})}, "not checkable"),
        ({BUCKETS: NO_SUCH_PATH}, "not checkable"),
        ({BUCKETS: NO_SUCH_PATH, "/query": databases("_internal", "ons")}, "found"),
        ({BUCKETS: NO_SUCH_PATH, "/query": Reply(400, "no")}, "not checkable"),
        ({BUCKETS: NO_SUCH_PATH, "/query": Reply(200, {"results": [{"error": "no"}]})}, "not checkable"),
        ({BUCKETS: NO_SUCH_PATH, "/query": NO_VALUES}, "not checkable"),
        ({"/ping": Reply(200, "OK"), BUCKETS: Reply(200, "OK")}, "not checkable"),
    ],
)
def test_a_server_without_the_endpoint_is_healthy(
    influx: ScriptedInflux, context: SimpleNamespace, replies: dict[str, Reply], bucket: str
) -> None:
    influx.fallback = responder(replies)
    health = check(context)
    assert (health["bucket"], health["bucket_ids"]) == (bucket, dict.fromkeys(DATASETS, ""))
    assert health["shard_seconds"] == {}


def test_a_server_that_accepts_only_writes_with_points_is_healthy(
    influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    influx.fallback = responder({WRITE: Reply(400, {"code": "invalid", "message": "empty"})})
    assert check(context)["bucket"] == "found"


def test_the_id_is_that_of_the_bucket_of_each_dataset(
    influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_bucket = replace(DATASETS["generation"], influxdb_bucket="plants")
    monkeypatch.setattr(handler, "DATASETS", {**DATASETS, "generation": own_bucket})
    replies = {name: Reply(200, {"buckets": [{"id": f"id-{name}", "name": name}]}) for name in ("ons", "plants")}
    influx.fallback = lambda request: replies[request.query["name"]] if "name" in request.query else Reply(204)
    ids = check(context)["bucket_ids"]
    assert (ids["generation"], ids["consumption"]) == ("id-plants", "id-ons")


@pytest.mark.parametrize(
    ("replies", "error", "message"),
    [
        ({BUCKETS: Reply(404, {"code": "not found", "message": "no ons"})}, BucketNotFoundError, "no ons"),
        ({BUCKETS: NO_SUCH_PATH, "/query": databases("onz")}, BucketNotFoundError, "no database 'ons'"),
        ({BUCKETS: Reply(401, {"message": "unauthorized access"})}, InfluxUnauthorizedError, "unauthorized access"),
        ({BUCKETS: NO_SUCH_PATH, "/query": Reply(401)}, InfluxUnauthorizedError, "the token is invalid"),
        ({WRITE: FORBIDDEN}, InfluxUnauthorizedError, "before the load: .*insufficient permissions for write"),
        ({BUCKETS: NONE_READABLE, WRITE: FORBIDDEN}, InfluxUnauthorizedError, "may write to bucket 'ons'"),
        ({WRITE: Reply(401)}, InfluxUnauthorizedError, "the token is invalid"),
        ({WRITE: Reply(404, {"code": "not found", "message": "no ons"})}, BucketNotFoundError, "no ons"),
        ({WRITE: Reply(503)}, InfluxUnavailableError, "503"),
        ({BUCKETS: Reply(403)}, InfluxUnauthorizedError, "the token lacks permission"),
        ({"/ping": Reply(401)}, InfluxUnauthorizedError, "the token is invalid"),
        ({"/ping": Reply(503)}, InfluxUnavailableError, "503"),
        ({BUCKETS: RESET}, InfluxUnavailableError, "the connection was closed"),
        ({"/ping": Reply(302, headers={"Location": "/login"})}, SettingsError, "INFLUXDB_URL"),
    ],
)
def test_every_problem_has_its_own_error(
    influx: ScriptedInflux, context: SimpleNamespace, replies: dict[str, Reply], error: type[LoaderError], message: str
) -> None:
    influx.fallback = responder(replies)
    with pytest.raises(error, match=message):
        check(context)


@pytest.mark.parametrize(
    "replies",
    [
        {"/ping": Reply(204, headers=V3), BUCKETS: NO_SUCH_PATH, "/query": databases("ons")},
        {"/ping": Reply(204, headers=V3), BUCKETS: NO_SUCH_PATH, "/query": databases("onz")},
        {"/ping": Reply(204, headers=V3), BUCKETS: NO_SUCH_PATH, "/query": NO_SUCH_PATH},
        {"/ping": Reply(204, headers=V3)},
        {"/ping": Reply(204, headers={"X-Influxdb-Version": ""})},
        {"/ping": Reply(204, headers={"X-Influxdb-Version": "1.8.10"}), BUCKETS: NO_SUCH_PATH},
        {BUCKETS: Reply(404, {"code": "not found", "message": "no ons"})},
        {BUCKETS: NO_SUCH_PATH, "/query": databases("ons")},
    ],
)
def test_only_a_version_2_that_knows_the_bucket_gets_an_empty_write(
    influx: ScriptedInflux, context: SimpleNamespace, replies: dict[str, Reply]
) -> None:
    """InfluxDB 3 would create the database, and other servers are not known to write nothing."""
    influx.fallback = responder(replies)
    with suppress(BucketNotFoundError):
        check(context)
    assert influx.writes == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1", "the connection was refused"),
        ("http://influx.invalid:8086", "its host name cannot be resolved"),
    ],
)
def test_a_server_that_cannot_be_reached_says_how(
    influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    monkeypatch.setenv("INFLUXDB_URL", url)
    with pytest.raises(InfluxUnavailableError, match=message):
        check(context)


@pytest.mark.parametrize("how", [{"days": -1}, {"address": "127.0.0.2"}, {}])
def test_a_certificate_that_is_not_trusted_ends_the_load(
    influx: ScriptedInflux,
    context: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    how: dict[str, object],
) -> None:
    tls, pem = create_self_signed(tmp_path, **how)  # type: ignore[arg-type]
    if how:
        monkeypatch.setenv("INFLUXDB_CA_BUNDLE", str(pem))
    with scripted_influx(tls) as secure:
        monkeypatch.setenv("INFLUXDB_URL", secure.url)
        with pytest.raises(UntrustedCertificateError, match=r"cannot be verified: .* INFLUXDB_CA_BUNDLE"):
            check(context)
    assert not secure.requests


def test_a_ca_bundle_makes_a_certificate_trusted(
    influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls, pem = create_self_signed(tmp_path)
    monkeypatch.setenv("INFLUXDB_CA_BUNDLE", str(pem))
    with scripted_influx(tls) as secure:
        secure.fallback = responder({})
        monkeypatch.setenv("INFLUXDB_URL", secure.url)
        assert check(context)["bucket"] == "found"


def test_a_missing_ca_bundle_is_named(
    influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFLUXDB_CA_BUNDLE", "/none.pem")
    with pytest.raises(SettingsError, match=r"INFLUXDB_CA_BUNDLE is /none.pem"):
        check(context)
