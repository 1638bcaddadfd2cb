"""WriteBatch and the chunks that it reads from S3, on the deployed app; the proxy stands between the two."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from tests.support import faults
from tests.support.deployed_app import DeployedApp
from tests.support.fault_proxy import Exchange, Fault, FaultProxy, fault_proxy, pass_on
from tests.support.trial import ATTEMPTS, Trial, six_batches

pytestmark = pytest.mark.usefixtures("with_sweeps")


def reads_chunk(request: BaseHTTPRequestHandler) -> bool:
    """Each invocation's first read, unless it has to be repeated."""
    return request.command == "GET" and request.path.partition("?")[0].endswith(".lp.gz")


@pytest.fixture(scope="module")
def proxy(app: DeployedApp) -> Iterator[FaultProxy]:
    with (
        fault_proxy(app.cloud.emulator.url, reads_chunk) as running,
        six_batches(app, AWS_ENDPOINT_URL_S3=running.url),
    ):
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("fault", [faults.truncate_response, faults.slow_down], ids=lambda fault: fault.__name__)
def test_a_read_that_fails_is_repeated(trial: Trial, fault: Fault) -> None:
    trial.proxy.set_faults(fault, fault)
    execution = trial.load()
    assert trial.proxy.fired_faults == [fault.__name__] * 2
    trial.check_loaded(execution)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "error"),
    [(faults.truncate_response, "SourceUnavailableError"), (faults.slow_down, "AwsThrottledError")],
    ids=["truncate_response", "slow_down"],
)
def test_reads_that_always_fail_are_a_503_with_nothing_written(trial: Trial, fault: Fault, error: str) -> None:
    trial.proxy.set_faults(always=fault)
    execution = trial.load()
    trial.check_failed(execution, error, 503)
    assert trial.app.failed_calls(execution) == ATTEMPTS
    assert trial.points_stored == 0
    trial.check_converges()


@pytest.mark.parametrize("change", [pytest.param("lost", marks=pytest.mark.slow), "altered"])
def test_a_chunk_that_is_lost_or_altered_is_not_sent(trial: Trial, change: str) -> None:
    work, s3 = trial.app.outputs["WorkBucketName"], trial.app.cloud.client("s3")

    def tampered(exchange: Exchange) -> None:
        [key] = [key for key in trial.app.work_keys("staging/") if exchange.handler.path.split("?")[0].endswith(key)]
        s3.delete_object(Bucket=work, Key=key)
        if change == "altered":
            s3.put_object(Bucket=work, Key=key, Body=b"altered")
        pass_on(exchange)

    trial.proxy.set_faults(tampered)
    execution = trial.load()
    assert trial.proxy.fired_faults == ["tampered"]
    trial.check_failed(execution, "ChunkDamagedError", 500)
    assert trial.app.failed_calls(execution) == 1
    assert trial.points_stored == 0
    trial.check_converges()


def test_a_server_that_refuses_connections_until_it_is_back_gets_everything(trial: Trial) -> None:
    def stops(exchange: Exchange) -> None:
        trial.app.influxdb.stop_gateway()
        pass_on(exchange)

    def returns(exchange: Exchange) -> None:
        trial.app.influxdb.start_gateway()
        pass_on(exchange)

    trial.proxy.set_faults(stops, returns)
    execution = trial.load()
    assert trial.proxy.fired_faults == ["stops", "returns"]
    reasons = [line["reason"] for line in trial.app.log_lines("write_batch", execution) if "reason" in line]
    assert any("the connection was refused" in reason for reason in reasons)
    trial.check_loaded(execution)
