"""Several writers through one sender."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from functions.write_batch.fates import Fates, Shipment
from functions.write_batch.pause import OutOfTimeError
from functions.write_batch.sending import Deadline, Sender, StoppedError
from shared.errors import InfluxUnavailableError, SettingsError
from shared.influx import Influx
from shared.influx_answers import Action
from shared.settings import InfluxSettings
from tests.support.scripted_influx import SILENCE, Reply, ScriptedInflux, scripted_influx


@pytest.fixture
def influx() -> Iterator[ScriptedInflux]:
    with scripted_influx() as server:
        yield server


def lines() -> Shipment:
    """A request with one line."""
    return Fates(1).request(range(1))


def sender(server: ScriptedInflux, *, left_ms: int = 60_000, max_retries: int = 1) -> Sender:
    settings = InfluxSettings(url=server.url, org="o", bucket="b", token="t", token_secret_name="", ca_bundle="")
    return Sender(Influx(settings, connections=2), "b", max_retries, Deadline(lambda: left_ms))


def test_all_writers_obey_the_retry_after_that_one_received(influx: ScriptedInflux) -> None:
    influx.script = [Reply(429, headers={"Retry-After": "1"})]
    sending = sender(influx)
    with ThreadPoolExecutor(2) as writers:
        one = writers.submit(sending.send, b"one", "", lines())
        while not sending.requests:
            sleep(0.01)
        other = writers.submit(sending.send, b"other", "", lines())
        assert one.result().action is other.result().action is Action.DONE
    throttled, *later = influx.requests
    assert len(later) == 2
    assert all(request.at - throttled.at >= 1 for request in later)


def test_a_server_that_never_replies_times_out(influx: ScriptedInflux) -> None:
    influx.fallback = lambda _: SILENCE
    with pytest.raises(InfluxUnavailableError, match="batch 3: no response from InfluxDB: the request timed out"):
        sender(influx, left_ms=16_100, max_retries=0).send(b"body", "batch 3", lines())


def test_no_request_is_sent_without_enough_time_for_it(influx: ScriptedInflux) -> None:
    with pytest.raises(OutOfTimeError):
        sender(influx, left_ms=15_900).send(b"body", "", lines())
    assert not influx.requests


def test_a_retry_that_would_outlast_the_invocation_is_left_to_the_next(influx: ScriptedInflux) -> None:
    influx.fallback = lambda _: Reply(429, headers={"Retry-After": "5"})
    with pytest.raises(InfluxUnavailableError) as raised:
        sender(influx, left_ms=19_000).send(b"body", "", lines())
    assert raised.value.retry_after_s == 5
    assert len(influx.requests) == 1


def test_after_a_failure_nothing_is_sent_and_the_first_counts(influx: ScriptedInflux) -> None:
    sending, first = sender(influx), SettingsError("first")
    sending.fail(first)
    sending.fail(SettingsError("second"))
    with pytest.raises(StoppedError):
        sending.send(b"body", "", lines())
    assert sending.failure is first
    assert not influx.requests


def test_a_failure_ends_the_waits_of_others(influx: ScriptedInflux) -> None:
    influx.fallback = lambda _: Reply(429, headers={"Retry-After": "9"})
    sending = sender(influx)
    with ThreadPoolExecutor(1) as writer:
        waiting = writer.submit(sending.send, b"body", "", lines())
        while not influx.requests:
            sleep(0.01)
        sending.fail(SettingsError("of another writer"))
        with pytest.raises(StoppedError):
            waiting.result(timeout=5)
    assert len(influx.requests) == 1
