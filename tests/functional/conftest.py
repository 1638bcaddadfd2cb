"""Fixtures for one handler on moto: a versioned source bucket, the work bucket, and the function's environment."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from functions.validate_schema.table_search import _table_of
from shared.aws_clients import discard_clients
from shared.ledger import CHANGES
from tests.support.mocked_aws import KeepingSession, mocked_aws
from tests.support.scripted_influx import ScriptedInflux, scripted_influx

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

    from tests.support.finished_load import StoringInflux

SOURCE, WORK, LEDGER = "source", "work", "ledger"


@pytest.fixture
def context() -> SimpleNamespace:
    """A Lambda context with the attributes that Powertools reads, and with the remaining time."""
    return SimpleNamespace(
        function_name="f",
        memory_limit_in_mb=1024,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f",
        aws_request_id="r",
        get_remaining_time_in_millis=lambda: 60_000,
    )


def discard_all_clients() -> None:
    """Discard the functions' clients, the secrets that they have read, and the cached listings of S3."""
    discard_clients()
    _table_of.cache_clear()


@pytest.fixture
def aws_session(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeepingSession]:
    """The session of the test itself, on mocked AWS services."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    discard_all_clients()
    with mocked_aws() as session:
        yield session
    discard_all_clients()


@pytest.fixture
def s3(aws_session: KeepingSession, monkeypatch: pytest.MonkeyPatch) -> "S3Client":
    """An S3 client and both buckets; `WORK_BUCKET` names the work bucket, `INFLUXDB_BUCKET` the one of InfluxDB."""
    monkeypatch.setenv("WORK_BUCKET", WORK)
    monkeypatch.setenv("INFLUXDB_BUCKET", "ons")
    client: S3Client = aws_session.client("s3")
    for bucket in (SOURCE, WORK):
        client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture
def ledger(s3: "S3Client", aws_session: KeepingSession, monkeypatch: pytest.MonkeyPatch) -> "Table":
    """An empty ledger table, which `LEDGER_TABLE` names."""
    monkeypatch.setenv("LEDGER_TABLE", LEDGER)
    table: Table = aws_session.resource("dynamodb").create_table(
        TableName=LEDGER,
        KeySchema=[{"AttributeName": "object", "KeyType": "HASH"}, {"AttributeName": "version", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("object", "version", "status", "changed_at")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": CHANGES,
                "KeySchema": [
                    {"AttributeName": "status", "KeyType": "HASH"},
                    {"AttributeName": "changed_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return table


@pytest.fixture
def influx(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedInflux]:
    """A scripted InfluxDB that the environment names, and that accepts every write by default."""
    with scripted_influx() as server:
        monkeypatch.setenv("INFLUXDB_URL", server.url)
        monkeypatch.setenv("INFLUXDB_ORG", "grid")
        monkeypatch.setenv("INFLUXDB_BUCKET", "ons")
        monkeypatch.setenv("INFLUXDB_TOKEN", "canary")
        monkeypatch.setenv("MAX_RETRIES", "1")
        yield server


@pytest.fixture
def server(influx: ScriptedInflux, ledger: "Table", monkeypatch: pytest.MonkeyPatch) -> "StoringInflux":
    """An InfluxDB that stores what it gets; a failed load needs no time until its last write has ended."""
    from tests.support.finished_load import StoringInflux  # noqa: PLC0415 - it imports this module

    monkeypatch.setattr("functions.report_load.registrations.WRITE_SECONDS", 0)
    influx.fallback = server = StoringInflux()
    return server
