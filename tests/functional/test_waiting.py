"""WriteBatch and CheckHealth: how long they wait for InfluxDB, when they are called again, and when they give up."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from functions.check_health.handler import lambda_handler as check_health
from functions.write_batch.pause import FORMER_WAITS
from shared.errors import InfluxUnavailableError, LoaderError, SettingsError
from shared.events import ChunkRef, Outage
from shared.outages import NO_OUTAGE, CheckLaterError, WriteLaterError
from tests.support.scripted_influx import Reply, ScriptedInflux
from tests.support.staged_chunk import CHUNK, gzip_members, outcome, points, stage, write

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUSY = Reply(503, headers={"Retry-After": "60"})
DOWN = Reply(503)


def next_outage(ref: ChunkRef, context: SimpleNamespace) -> Outage:
    """Invoke WriteBatch, which asks to be called again, and return the outage that the state machine passes then."""
    with pytest.raises(WriteLaterError) as later:
        write(ref, context)
    outage: Outage = json.loads(str(later.value))
    return outage


def seconds_between(outage: Outage, since: datetime) -> float:
    return (datetime.fromisoformat(outage["not_before"]) - since).total_seconds()


def since_ago(**ago: float) -> Outage:
    """Return an outage of the default patience that began that long ago."""
    since = datetime.now(UTC) - timedelta(**ago)
    times = {"since": since, "give_up_at": since + timedelta(minutes=30)}
    return {**NO_OUTAGE, **{name: time.isoformat() for name, time in times.items()}, "waits": 4}  # type: ignore[typeddict-item]


def test_a_short_retry_after_is_waited_for(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    influx.script = [Reply(429, headers={"Retry-After": "1"})]
    assert write(stage(s3, points(3)), context)["written"]
    first, second = influx.writes
    assert second.at - first.at >= 1


def test_a_long_retry_after_is_left_to_the_state_machine(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref, asked_at = stage(s3, points(3)), datetime.now(UTC)
    influx.script = [BUSY]
    outage = next_outage(ref, context)
    assert 60 <= seconds_between(outage, asked_at) < 70
    assert (outage["waits"], "503" in outage["reason"]) == (1, True)
    patience = datetime.fromisoformat(outage["give_up_at"]) - datetime.fromisoformat(outage["since"])
    assert timedelta(minutes=30) <= patience <= timedelta(minutes=30, seconds=1)
    assert [run["then"] for run in outcome(s3)["runs"]] == ["WaitForInflux"]


def test_a_wait_is_not_logged_as_an_error(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    influx.script = [BUSY]
    next_outage(stage(s3, points(3)), context)
    assert ("later", "INFO") in {(record.message, record.levelname) for record in caplog.records}
    assert "ERROR" not in {record.levelname for record in caplog.records}


def test_an_invocation_before_its_time_sends_nothing(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref, asked_at = stage(s3, points(3)), datetime.now(UTC)
    influx.script = [BUSY]
    next_outage(ref, context)
    assert seconds_between(next_outage(ref, context), asked_at) >= 60
    assert len(influx.writes) == 1


def test_an_outage_without_retry_after_is_waited_out_with_growing_pauses(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref, outages = stage(s3, points(3)), [NO_OUTAGE]
    influx.fallback = lambda _: DOWN
    for longest_s in (20, 40, 80, 160, 300, 300):
        asked_at = datetime.now(UTC)
        outages.append(next_outage({**ref, "outage": outages[-1]}, context))
        assert longest_s / 2 <= seconds_between(outages[-1], asked_at) <= longest_s + 2
    assert len({(outage["since"], outage["give_up_at"]) for outage in outages[1:]}) == 1
    assert outages[-1]["waits"] == 6
    influx.fallback = lambda _: Reply(204)
    assert write({**ref, "outage": outages[-1]}, context)["written"]
    assert [run["then"] for run in outcome(s3)["runs"]] == ["WaitForInflux"] * 6 + [""]


@pytest.mark.parametrize("retry_after", ["1801", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_beyond_the_patience_ends_the_load_at_once(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, retry_after: str
) -> None:
    ref = stage(s3, points(3))
    influx.script = [Reply(503, headers={"Retry-After": retry_after})]
    for _ in range(2):
        with pytest.raises(InfluxUnavailableError, match=r"no requests before 20.* OUTAGE_PATIENCE"):
            write(ref, context)
    assert len(influx.writes) == 1
    assert outcome(s3)["chunk"] == CHUNK
    assert [run["then"] for run in outcome(s3)["runs"]] == ["", ""]


def test_a_retry_after_counts_with_the_time_that_was_waited_already(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, points(3))
    influx.fallback = lambda _: Reply(503, headers={"Retry-After": "600"})
    assert next_outage(ref | {"outage": since_ago(minutes=19)}, context)["waits"] == 5
    with pytest.raises(InfluxUnavailableError, match="no requests before 20"):
        write(ref | {"outage": since_ago(minutes=21)}, context)


def test_an_outage_beyond_the_patience_ends_the_load(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, points(3))
    influx.fallback = lambda _: DOWN
    last = next_outage(ref | {"outage": since_ago(minutes=29)}, context)
    assert last["not_before"] <= last["give_up_at"]
    with pytest.raises(InfluxUnavailableError, match=rf"chunk {CHUNK}, batch 0: .*503.*accepted nothing since 20"):
        write(ref | {"outage": since_ago(minutes=30, seconds=1)}, context)


def test_progress_renews_the_patience_but_not_the_pauses(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, *(points(1, first=number) for number in range(4)))
    influx.script = [Reply(204)]
    influx.fallback = lambda _: DOWN
    before = datetime.now(UTC).replace(microsecond=0)
    outage = next_outage(ref | {"outage": since_ago(hours=5)}, context)
    assert datetime.fromisoformat(outage["since"]) >= before
    assert outage["waits"] == 5
    assert seconds_between(outage, before) >= 150


@pytest.mark.parametrize("reply", [Reply(404, {"code": "not found"}), Reply(302, headers={"Location": "/login"})])
def test_an_error_that_does_not_heal_is_not_waited_for(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, reply: Reply
) -> None:
    influx.fallback = lambda _: reply
    with pytest.raises(LoaderError):
        write(stage(s3, points(3)), context)


def test_a_secrets_manager_that_does_not_respond_is_waited_for_too(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFLUXDB_TOKEN", "")
    monkeypatch.setenv("INFLUXDB_TOKEN_SECRET_NAME", "token")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert "cannot read the secret token" in next_outage(stage(s3, points(3)), context)["reason"]
    assert not outcome(s3)["running"]


def test_an_invocation_ends_before_its_time_does(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, *(points(1, first=number) for number in range(10)))
    context.get_remaining_time_in_millis = lambda: 60_000 if len(influx.writes) < 4 else 14_000
    outage = next_outage(ref, context)
    assert (outage["waits"], outage["since"]) == (0, "")
    assert datetime.fromisoformat(outage["not_before"]) <= datetime.now(UTC)
    context.get_remaining_time_in_millis = lambda: 60_000
    assert write({**ref, "outage": outage}, context)["written"]
    assert [run["then"] for run in outcome(s3)["runs"]] == ["WaitForInflux", ""]
    assert sorted(request.body for request in influx.writes) == sorted(
        gzip_members([points(1, first=number) for number in range(10)])
    )


def test_invocations_without_enough_time_for_one_batch_use_up_the_patience(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref = stage(s3, points(3))
    context.get_remaining_time_in_millis = lambda: 1_000
    assert next_outage(ref, context)["waits"] == 1
    with pytest.raises(InfluxUnavailableError, match="accepted no batch in it"):
        write(ref | {"outage": since_ago(minutes=31)}, context)


def former(ref: ChunkRef, waits: int = 0) -> ChunkRef:
    """Return the event of an execution that began under an earlier release."""
    return {**{key: value for key, value in ref.items() if key != "outage"}, "waits": waits}  # type: ignore[typeddict-item]


def test_an_execution_of_an_earlier_release_gets_the_result_that_it_expects(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    ref, asked_at = stage(s3, points(3)), datetime.now(UTC)
    influx.script = [BUSY]
    answer = write(former(ref), context)
    assert (answer["written"], answer["next_batch"], answer["waits"]) == (False, 0, 1)
    assert datetime.fromisoformat(answer["not_before"]) >= asked_at + timedelta(seconds=60)
    with pytest.raises(InfluxUnavailableError, match=f"after {FORMER_WAITS} waits"):
        write(former(ref, FORMER_WAITS), context)
    assert len(influx.writes) == 1


def test_an_execution_of_an_earlier_release_retries_an_outage_itself(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    influx.fallback, ref = lambda _: DOWN, former(stage(s3, points(3)))
    with pytest.raises(InfluxUnavailableError, match="503"):
        write(ref, context)
    influx.fallback = lambda _: Reply(204)
    assert write(ref, context) == {"chunk": CHUNK, "written": True, "next_batch": 1, "not_before": "", "waits": 0}


def check(outage: Outage, context: SimpleNamespace) -> object:
    execution = {"id": "arn", "name": "run-1", "start_time": "2024-01-01T00:00:00Z"}
    return check_health({"event": {}, "execution": execution, "outage": outage}, context)  # type: ignore[arg-type, typeddict-item]


def test_check_health_asks_to_be_called_again_after_retry_after(
    influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    influx.fallback, asked_at = lambda _: BUSY, datetime.now(UTC)
    with pytest.raises(CheckLaterError) as later:
        check(NO_OUTAGE, context)
    assert seconds_between(later.value.outage, asked_at) >= 60
    assert len(influx.requests) == 1


def test_check_health_gives_up_when_its_patience_is_used_up(influx: ScriptedInflux, context: SimpleNamespace) -> None:
    influx.fallback = lambda _: DOWN
    with pytest.raises(CheckLaterError):
        check(since_ago(minutes=29), context)
    with pytest.raises(InfluxUnavailableError, match=r"before the load: .*has accepted nothing since 20"):
        check(since_ago(minutes=30, seconds=1), context)


def test_the_patience_is_a_setting(
    influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTAGE_PATIENCE", "59")
    influx.fallback = lambda _: BUSY
    with pytest.raises(InfluxUnavailableError, match=r"OUTAGE_PATIENCE \(59 s\)"):
        check(NO_OUTAGE, context)
    monkeypatch.setenv("OUTAGE_PATIENCE", "soon")
    with pytest.raises(SettingsError, match="OUTAGE_PATIENCE"):
        check(NO_OUTAGE, context)
