"""A deployment for the commands: S3 and DynamoDB of moto, and scripted CloudFormation, Lambda and Step Functions."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.conftest import LEDGER, SOURCE, WORK
from tests.support.builders import generation
from tests.support.finished_load import StoringInflux, load_file
from tests.support.scripted_aws import BACKFILL, ENDPOINTS, MACHINE, ScriptedAws, scripted_aws
from tests.support.scripted_influx import ScriptedInflux

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

OUTPUTS = {
    "SourceBucketName": SOURCE,
    "WorkBucketName": WORK,
    "LedgerTableName": LEDGER,
    "StateMachineArn": MACHINE,
    "BackfillArn": BACKFILL,
    "CheckHealthName": "health",
    "ConvertAndChunkName": "convert",
    "WriteBatchName": "write",
}


@pytest.fixture
def aws(ledger: "Table", monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    """The commands find it as they find a deployed stack."""
    with scripted_aws() as server:
        server.outputs = dict(OUTPUTS)
        server.results = {"health": {"bucket_ids": {"generation": "new"}}}
        server.environments = {"convert": {}, "write": {}}
        for name in ENDPOINTS:
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
        yield server


@pytest.fixture
def database(aws: ScriptedAws, influx: ScriptedInflux) -> StoringInflux:
    """An InfluxDB that keeps what it is sent, and that the deployed WriteBatch is told of."""
    influx.fallback = database = StoringInflux()
    aws.environments["write"] = {
        "INFLUXDB_URL": influx.url,
        "INFLUXDB_ORG": "grid",
        "INFLUXDB_BUCKET": "ons",
        "INFLUXDB_TOKEN": "canary",
    }
    return database


ROWS = 50
KEY = "dataset=generation/a.parquet"


@pytest.fixture
def load(s3: "S3Client", context: SimpleNamespace, database: StoringInflux) -> Any:
    """The response data of a load of 50 rows, of which two have no region and InfluxDB rejects the one of region XX."""
    regions: list[str | None] = ["SE"] * ROWS
    regions[3], regions[7:9] = "XX", [None, None]
    database.rejected = "region=XX"
    return load_file(s3, context, KEY, generation(ROWS, region=regions))
