"""The source object: what S3, and those who write to it, may do while it is read."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pyarrow as pa
import pytest

from tests.support import faults
from tests.support.builders import parquet
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.fault_proxy import Exchange, Fault, FaultProxy, fault_proxy, pass_on
from tests.support.sweeps import QUICK_WITH_SWEEPS
from tests.support.trial import KILLED_ATTEMPTS

pytestmark = pytest.mark.usefixtures("with_sweeps")

ROWS = 300
DENIED = {
    "AccessDenied": faults.answer_with(
        403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    ),
    "KMS.DisabledException": faults.answer_with(
        400, b"<Error><Code>KMS.DisabledException</Code><Message>The key is disabled</Message></Error>"
    ),
}


def reads_rows(request: BaseHTTPRequestHandler) -> bool:
    """ConvertAndChunk's reads of the object, and ValidateSchema's of its footer."""
    return request.command == "GET" and "dataset%3D" in request.path and "Range" in request.headers


@pytest.fixture(scope="module")
def proxy(app: DeployedApp) -> Iterator[FaultProxy]:
    """A fault proxy between the functions and S3."""
    with fault_proxy(app.cloud.emulator.url, reads_rows) as running, app.configured(AWS_ENDPOINT_URL_S3=running.url):
        yield running


@pytest.fixture
def table(tmp_path: Path) -> pa.Table:
    return unique_records(tmp_path, "transmission", ROWS)


@pytest.fixture
def key(tmp_path: Path) -> str:
    return f"dataset=transmission/{tmp_path.name}.parquet"


@pytest.mark.parametrize(
    "fault",
    [
        faults.truncate_response,
        pytest.param(faults.slow_down, marks=pytest.mark.slow),
        pytest.param(faults.reset_before_the_body, marks=pytest.mark.slow),
    ],
    ids=lambda fault: fault.__name__,
)
def test_a_read_that_fails_is_repeated(  # noqa: PLR0917
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table, fault: Fault
) -> None:
    proxy.set_faults(fault, pass_on, fault)  # each function reads a file of this size at once
    execution = app.load(key, table)
    assert execution.status == "SUCCEEDED", execution.response
    assert proxy.fired_faults == [fault.__name__] * 2
    assert app.compare(tmp_path, "transmission", table).equal


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "error"),
    [(faults.truncate_response, "SourceUnavailableError"), (faults.slow_down, "AwsThrottledError")],
    ids=["truncate_response", "slow_down"],
)
def test_reads_that_always_fail_are_a_503_and_a_new_run_converges(  # noqa: PLR0917
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table, fault: Fault, error: str
) -> None:
    proxy.set_faults(always=fault)
    execution = app.load(key, table)
    assert (execution.error, execution.response["statusCode"]) == (error, 503)
    assert key in execution.response["message"]
    assert app.failed_calls(execution) == 3
    assert len(proxy.exchanges) < 50
    proxy.set_faults()
    assert app.run(app.reload_event(key)).status == "SUCCEEDED"
    assert app.compare(tmp_path, "transmission", table).equal


@pytest.mark.slow
def test_a_conversion_that_is_killed_is_called_once_more(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table
) -> None:
    proxy.set_faults(pass_on, faults.kill_client)
    execution = app.load(key, table)
    assert proxy.fired_faults == ["kill_client"]
    assert (execution.status, app.failed_calls(execution)) == ("SUCCEEDED", 1)
    assert app.compare(tmp_path, "transmission", table).equal
    proxy.set_faults(pass_on, always=faults.kill_client)
    execution = app.run(app.reload_event(key))
    assert proxy.fired_faults == ["kill_client"] * KILLED_ATTEMPTS
    assert (execution.error, execution.response["statusCode"]) == ("Runtime.ExitError", 500)


@pytest.mark.parametrize("code", ["AccessDenied", pytest.param("KMS.DisabledException", marks=pytest.mark.slow)])
def test_a_read_that_is_denied_is_terminal_and_names_the_object(  # noqa: PLR0917
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table, code: str
) -> None:
    proxy.set_faults(pass_on, DENIED[code])
    execution = app.load(key, table)
    assert len(proxy.fired_faults) == 1
    assert (execution.error, execution.response["statusCode"]) == ("SourceForbiddenError", 500)
    assert all(word in execution.response["message"] for word in (key, code, "s3:GetObject", "kms:Decrypt"))
    assert app.failed_calls(execution) == 1
    assert app.compare(tmp_path, "transmission", table).read_back == 0
    assert app.run(app.reload_event(key)).status == "SUCCEEDED"
    assert app.compare(tmp_path, "transmission", table).equal


@QUICK_WITH_SWEEPS
def test_an_object_that_is_overwritten_while_it_is_read_loads_as_it_was(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table
) -> None:
    newer = unique_records(tmp_path, "transmission", ROWS)

    def overwritten(exchange: Exchange) -> None:
        app.put(key, newer)
        pass_on(exchange)

    proxy.set_faults(pass_on, overwritten)
    app.put(key, table)
    first, second = app.wait_for_loads(key, count=2)
    assert proxy.fired_faults == ["overwritten"]
    assert [execution.status for execution in (first, second)] == ["SUCCEEDED"] * 2
    assert first.response["data"]["version_id"] != second.response["data"]["version_id"]
    assert app.compare(tmp_path, "transmission", table).equal
    assert app.compare(tmp_path, "transmission", newer).equal


def test_without_versions_an_object_that_is_overwritten_while_it_is_read_is_refused(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table
) -> None:
    s3, named, newer = (
        app.cloud.client("s3"),
        {"bucket": "unversioned", "key": key},
        unique_records(tmp_path, "transmission", ROWS),
    )

    def overwritten(exchange: Exchange) -> None:
        s3.put_object(Bucket="unversioned", Key=key, Body=parquet(newer))
        pass_on(exchange)

    s3.create_bucket(Bucket="unversioned")
    s3.put_object(Bucket="unversioned", Key=key, Body=parquet(table))
    proxy.set_faults(pass_on, overwritten)
    execution = app.run(named)
    assert proxy.fired_faults == ["overwritten"]
    assert (execution.error, execution.response["statusCode"]) == ("SourceChangedError", 400)
    assert app.compare(tmp_path, "transmission", table).read_back == 0
    assert app.run(named).status == "SUCCEEDED"
    assert app.compare(tmp_path, "transmission", newer).equal


def test_a_version_that_is_deleted_while_it_is_read_is_not_found(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table
) -> None:
    def deleted(exchange: Exchange) -> None:
        app.cloud.client("s3").delete_object(Bucket=app.source_bucket, Key=key, VersionId=version)
        pass_on(exchange)

    proxy.set_faults(pass_on, deleted)
    version = app.put(key, table)
    execution = app.wait_for_load(key)
    assert proxy.fired_faults == ["deleted"]
    assert (execution.error, execution.response["statusCode"]) == ("SourceNotFoundError", 400)
    assert app.compare(tmp_path, "transmission", table).read_back == 0
