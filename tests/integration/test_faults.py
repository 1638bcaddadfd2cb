"""Faults between WriteBatch and InfluxDB, staged by a proxy, on the deployed app."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus

import pytest

from functions.write_batch.isolation import MAX_SUSPECTS
from tests.support import faults
from tests.support.fault_proxy import Exchange, Fault, pass_on
from tests.support.sweeps import QUICK_WITH_SWEEPS
from tests.support.trial import BATCH_ROWS, BATCHES, MAX_RETRIES, WAITING_ATTEMPTS, WRITERS, Trial

pytestmark = pytest.mark.usefixtures("with_sweeps")


def in_three_seconds() -> str:
    """Return the HTTP date in three seconds, without fractions of a second."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)


QUICK = [faults.reset_within_the_body, faults.lose_response, faults.write_then_answer_503]
SLOW = [
    faults.reset_before_the_body,
    faults.truncate_status_line,
    faults.answer_with(500),
    faults.answer_with(502, b"<html>"),
    faults.answer_with(504),
    faults.answer_with(503, Retry_After="when it suits"),
]


@pytest.mark.parametrize(
    "fault",
    [*QUICK, *(pytest.param(fault, marks=pytest.mark.slow) for fault in SLOW)],
    ids=lambda fault: fault.__name__,
)
def test_a_fault_that_passes_is_survived(trial: Trial, fault: Fault) -> None:
    trial.proxy.set_faults(pass_on, fault, pass_on, fault)
    execution = trial.load()
    assert trial.proxy.fired_faults == [fault.__name__] * 2
    assert len(trial.proxy.exchanges) == BATCHES + 2
    assert len({exchange.body for exchange in trial.proxy.exchanges if exchange.upstream_status}) == BATCHES
    trial.check_loaded(execution)


def test_connections_that_are_reset_on_accept_are_made_anew(trial: Trial) -> None:
    trial.proxy.set_faults(faults.reset_next(2), always=faults.close_afterwards)
    execution = trial.load()
    assert (trial.proxy.fired_faults[0], trial.proxy.resets) == ("reset_connections", 0)
    trial.check_loaded(execution)


@QUICK_WITH_SWEEPS
def test_several_faults_in_one_load_are_survived(trial: Trial) -> None:
    script = [faults.lose_response, faults.reset_within_the_body, faults.answer_with(500), faults.write_then_answer_503]
    trial.proxy.set_faults(*script)
    execution = trial.load()
    assert trial.proxy.fired_faults == [fault.__name__ for fault in script]
    trial.check_loaded(execution)


@pytest.mark.slow
def test_a_slow_way_only_takes_longer(trial: Trial) -> None:
    trial.proxy.set_faults(always=faults.respond_slowly)
    execution = trial.load()
    assert trial.proxy.fired_faults == [faults.respond_slowly.__name__] * BATCHES
    trial.proxy.set_faults()
    trial.check_loaded(execution)


@pytest.mark.slow
def test_a_server_that_hangs_is_given_up_and_asked_again(trial: Trial) -> None:
    trial.proxy.set_faults(faults.never_respond)
    execution = trial.load()
    assert trial.proxy.fired_faults == [faults.never_respond.__name__]
    trial.check_loaded(execution)


@pytest.mark.parametrize(
    "retry_after", [lambda: "2", pytest.param(in_three_seconds, marks=pytest.mark.slow)], ids=["seconds", "date"]
)
def test_nothing_is_asked_before_retry_after(trial: Trial, retry_after: Callable[[], str]) -> None:
    def throttled(exchange: Exchange) -> None:
        faults.answer_with(429, Retry_After=retry_after())(exchange)

    trial.proxy.set_faults(throttled)
    execution = trial.load()
    assert trial.proxy.fired_faults == ["throttled"]
    trial.check_quiet_for(2)
    trial.check_loaded(execution)


@pytest.mark.slow
def test_a_long_retry_after_is_waited_for_by_the_state_machine(trial: Trial) -> None:
    trial.proxy.set_faults(faults.answer_with(503, Retry_After="15"))
    with trial.app.configured(OUTAGE_PATIENCE="20"):
        execution = trial.load()
    assert trial.proxy.fired_faults == ["answers 503"]
    trial.check_quiet_for(15)
    assert trial.invocations(execution) == 2
    trial.check_loaded(execution)


@QUICK_WITH_SWEEPS
def test_a_retry_after_of_hours_fails_the_load_naming_the_time(trial: Trial) -> None:
    trial.proxy.set_faults(always=faults.answer_with(503, Retry_After="7200"))
    execution = trial.load()
    message = trial.check_failed(execution, "InfluxUnavailableError", 503)
    assert "InfluxDB accepts no requests before 20" in message
    assert len(trial.proxy.exchanges) <= WRITERS
    trial.check_converges()


@pytest.mark.slow
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_fails_always_is_a_503_after_a_bounded_number_of_requests(trial: Trial, status: int) -> None:
    trial.proxy.set_faults(always=faults.answer_with(status, b'{"code": "unavailable", "message": "engine closed"}'))
    execution = trial.load()
    message = trial.check_failed(execution, "InfluxUnavailableError", 503)
    assert f"InfluxDB returned {status} (" in message
    assert "engine closed" in message
    assert trial.app.failed_calls(execution) in WAITING_ATTEMPTS
    # InfluxDB 2.7.12 answers 500 in place of 422, so later invocations also look for lines that it rejects.
    bisection = 2 * (BATCH_ROWS.bit_length() + MAX_SUSPECTS + 1) if status == HTTPStatus.INTERNAL_SERVER_ERROR else 0
    assert len(trial.proxy.exchanges) <= max(WAITING_ATTEMPTS) * WRITERS * (1 + MAX_RETRIES + bisection)
    assert trial.points_stored == 0
    trial.check_converges()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, "InfluxUnauthorizedError"),
        pytest.param(403, "InfluxUnauthorizedError", marks=pytest.mark.slow),
        (404, "BucketNotFoundError"),
        pytest.param(307, "SettingsError", marks=pytest.mark.slow),
        (200, "SettingsError"),
    ],
)
def test_a_permanent_error_is_not_retried(trial: Trial, status: int, error: str) -> None:
    trial.proxy.set_faults(always=faults.answer_with(status, b"<html>", Location="http://127.0.0.1:1/api/v2/write"))
    execution = trial.load()
    trial.check_failed(execution, error, 500)
    bodies = [exchange.body for exchange in trial.proxy.exchanges]
    assert len(bodies) == len(set(bodies)) <= WRITERS
    assert trial.app.failed_calls(execution) == 1
    assert trial.points_stored == 0
    trial.check_converges()


def test_a_token_that_was_rotated_in_the_middle_of_a_load_is_read_again(trial: Trial) -> None:
    app, old = trial.app, trial.app.cloud.influx.token

    def rotate(token: str) -> None:
        secrets = app.cloud.client("secretsmanager")
        secrets.put_secret_value(SecretId=app.outputs["TokenSecretName"], SecretString=token)
        app.influxdb.accept_token(token)

    def rotated(exchange: Exchange) -> None:
        rotate("another-token")
        pass_on(exchange)

    trial.proxy.set_faults(pass_on, rotated)
    try:
        execution = trial.load()
        assert trial.proxy.fired_faults == ["rotated"]
        assert [exchange.upstream_status for exchange in trial.proxy.exchanges].count(401) in range(1, WRITERS + 1)
    finally:
        rotate(old)
    trial.check_loaded(execution)


def test_a_body_that_is_too_large_is_halved(trial: Trial) -> None:
    trial.proxy.set_faults(always=faults.limit_body_size(20_000))
    execution = trial.load()
    assert len(trial.proxy.exchanges) > 2 * BATCHES
    trial.check_loaded(execution)
