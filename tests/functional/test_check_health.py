"""CheckHealth: which of the things that can be wrong with InfluxDB is wrong, and that nothing is written."""

from types import SimpleNamespace

import pytest

from functions.check_health.handler import lambda_handler
from shared.errors import BucketNotFoundError, InfluxUnauthorizedError, InfluxUnavailableError
from shared.events import Execution, Health
from tests.scripted_influx import Answer, Reply, ScriptedInflux

BUCKETS = "/api/v2/buckets"
FOUND = Reply(200, {"buckets": [{"name": "ons"}]})


@pytest.fixture
def influx(influx: ScriptedInflux) -> ScriptedInflux:
    influx.answer = answers({})
    return influx


def answers(replies: dict[str, Reply]) -> Answer:
    """Reply by path: as 2.7 with the bucket, unless told otherwise."""
    known = {"/ping": Reply(204), BUCKETS: FOUND, **replies}
    return lambda request: known.get(request.path, Reply(404, "404 page not found"))


def check(context: SimpleNamespace) -> Health:
    execution = Execution(id="arn", name="run-1", start_time="2024-01-01T00:00:00Z")
    return lambda_handler({"event": {}, "execution": execution}, context)  # type: ignore[arg-type]


def test_a_server_with_the_bucket_is_healthy(influx: ScriptedInflux, context: SimpleNamespace) -> None:
    health = check(context)
    assert health["response_time_ms"] > 0
    assert {**health, "response_time_ms": 0} == {
        "status": "healthy",
        "response_time_ms": 0,
        "version": "v2.7.12",
        "bucket": "found",
    }
    assert influx.requests[-1].query == {"org": "grid", "name": "ons"}


def test_nothing_listens(influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFLUXDB_URL", "http://127.0.0.1:1")
    with pytest.raises(InfluxUnavailableError, match="it refuses connections"):
        check(context)


def test_the_token_is_refused(influx: ScriptedInflux, context: SimpleNamespace) -> None:
    refusal = Reply(401, {"code": "unauthorized", "message": "unauthorized access"})
    influx.answer = answers({BUCKETS: refusal})
    with pytest.raises(InfluxUnauthorizedError, match="unauthorized access"):
        check(context)


def test_2_7_knows_no_such_bucket(influx: ScriptedInflux, context: SimpleNamespace) -> None:
    influx.answer = answers({BUCKETS: Reply(404, {"code": "not found", "message": 'bucket "ons" not found'})})
    with pytest.raises(BucketNotFoundError, match='bucket "ons" not found'):
        check(context)
