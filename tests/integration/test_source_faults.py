"""The source object: odd keys, versions, duplicates, and what S3 may do while it is read."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import monotonic, sleep

import pyarrow as pa
import pytest

from cli.executions import Execution, describe
from tests import fault_proxy as faults
from tests.fault_proxy import Exchange, Fault, FaultProxy, fault_proxy
from tests.integration.deployed_app import DeployedApp, sample

ROWS = 300
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
FORBIDDEN = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


def reads_rows(request: BaseHTTPRequestHandler) -> bool:
    """ConvertAndChunk's reads of the object, and ValidateSchema's of its footer."""
    return request.command == "GET" and "dataset%3D" in request.path and "Range" in request.headers


@pytest.fixture(scope="module")
def proxy(app: DeployedApp) -> Iterator[FaultProxy]:
    """Between the functions and S3."""
    with fault_proxy(app.cloud.emulator.url, reads_rows) as running, app.configured(AWS_ENDPOINT_URL_S3=running.url):
        yield running


@pytest.fixture
def table(tmp_path: Path) -> pa.Table:
    return sample(tmp_path, "transmission", ROWS)


@pytest.fixture
def key(tmp_path: Path) -> str:
    return f"dataset=transmission/{tmp_path.name}.parquet"


@pytest.mark.parametrize(
    "fault",
    [
        faults.body_truncated,
        pytest.param(faults.answers(503, SLOW_DOWN), marks=pytest.mark.slow),
        pytest.param(faults.reset_before_the_body, marks=pytest.mark.slow),
    ],
    ids=lambda fault: fault.__name__,
)
def test_a_read_that_fails_is_repeated(  # noqa: PLR0917
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table, fault: Fault
) -> None:
    proxy.begin(fault, faults.passed_on, faults.passed_on, fault)
    execution = app.load(key, table)
    assert execution.status == "SUCCEEDED", execution.answer
    assert proxy.fired == [fault.__name__] * 2
    assert app.compare(tmp_path, "transmission", table).equal


@pytest.mark.slow
def test_reads_that_always_fail_are_a_503_and_a_new_run_converges(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table
) -> None:
    proxy.begin(always=faults.body_truncated)
    execution = app.load(key, table)
    assert (execution.error, execution.answer["statusCode"]) == ("SourceUnavailableError", 503)
    assert key in execution.answer["message"]
    assert app.attempts(execution) == 3
    assert len(proxy.exchanges) < 50
    proxy.begin()
    assert app.run(app.named(key)).status == "SUCCEEDED"
    assert app.compare(tmp_path, "transmission", table).equal


def test_a_read_that_is_denied_is_terminal_and_names_the_object(
    app: DeployedApp, proxy: FaultProxy, key: str, table: pa.Table
) -> None:
    proxy.begin(faults.passed_on, faults.passed_on, always=faults.answers(403, FORBIDDEN))
    execution = app.load(key, table)
    assert (execution.error, execution.answer["statusCode"]) == ("SourceForbiddenError", 500)
    assert key in execution.answer["message"]
    assert "s3:GetObject" in execution.answer["message"]
    assert app.attempts(execution) == 1


def test_an_object_that_is_overwritten_while_it_is_read_loads_as_it_was(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table
) -> None:
    newer = sample(tmp_path, "transmission", ROWS)

    def overwritten(exchange: Exchange) -> None:
        app.put(key, newer)
        faults.passed_on(exchange)

    proxy.begin(faults.passed_on, faults.passed_on, overwritten)
    app.put(key, table)
    first, second = ended(app, key, count=2)
    assert proxy.fired == ["overwritten"]
    assert [execution.status for execution in (first, second)] == ["SUCCEEDED"] * 2
    assert first.answer["data"]["version_id"] != second.answer["data"]["version_id"]
    assert app.compare(tmp_path, "transmission", table).equal
    assert app.compare(tmp_path, "transmission", newer).equal


def ended(app: DeployedApp, key: str, *, count: int) -> list[Execution]:
    """So many executions of the object, once all have ended."""
    sfn, deadline = app.cloud.client("stepfunctions"), monotonic() + 60
    while monotonic() < deadline:
        arns = [
            e["executionArn"] for e in sfn.list_executions(stateMachineArn=app.outputs["StateMachineArn"])["executions"]
        ]
        found = [e for e in (describe(sfn, arn) for arn in arns) if e.key == key and e.ended]
        if len(found) == count:
            return found
        sleep(0.2)
    raise TimeoutError(key)


def test_a_version_that_is_deleted_while_it_is_read_is_not_found(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table
) -> None:
    def deleted(exchange: Exchange) -> None:
        app.cloud.client("s3").delete_object(Bucket=app.source_bucket, Key=key, VersionId=version)
        faults.passed_on(exchange)

    proxy.begin(faults.passed_on, faults.passed_on, deleted)
    version = app.put(key, table)
    execution = app.arrived(key)
    assert proxy.fired == ["deleted"]
    assert (execution.error, execution.answer["statusCode"]) == ("SourceNotFoundError", 400)
    assert app.compare(tmp_path, "transmission", table).read_back == 0


def test_a_late_event_about_an_older_version_is_skipped(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, key: str, table: pa.Table
) -> None:
    proxy.begin()
    older = app.put(key, table)
    ended(app, key, count=1)
    app.put(key, table.slice(0, 10))
    ended(app, key, count=2)
    record = {"bucket": {"name": app.source_bucket}, "object": {"key": key, "version-id": older}}
    execution = app.run({"detail-type": "Object Created", "detail": record})
    assert execution.answer["message"].startswith("Skipped: ")
    assert "superseded" in execution.answer["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["a b", "a+b", "a%2Fb", "a:b=c", "é ção 🔌", "a\nb", "../../etc/passwd", "k" * 980], ids=range(8)
)
def test_any_key_is_taken_as_it_is(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, table: pa.Table, name: str
) -> None:
    proxy.begin()
    key = f"dataset=transmission/{name}.parquet"
    execution = app.load(key, table)
    assert execution.status == "SUCCEEDED", execution.answer
    assert execution.answer["data"]["key"] == key
    assert app.compare(tmp_path, "transmission", table).equal
    keys = app.work_keys("")
    assert [staged for staged in keys if "etc/passwd" in staged or "\n" in staged] == []
    lines = [line for line in app.log_lines("convert_and_chunk", execution) if line.get("key")]
    assert {line["key"] for line in lines} == {key}
