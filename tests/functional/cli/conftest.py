"""A deployment for the commands: S3 and DynamoDB of moto, and scripted CloudFormation, Lambda and Step Functions."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared.ledger import LedgerItem, version_items
from tests.functional.conftest import LEDGER, SOURCE, WORK
from tests.support.builders import generation
from tests.support.deletion import state
from tests.support.finished_load import StoringInflux, load_file
from tests.support.revised_files import hours, key_of
from tests.support.scripted_aws import BACKFILL, ENDPOINTS, MACHINE, ScriptedAws, scripted_aws
from tests.support.scripted_influx import ScriptedInflux
from tests.support.stale_points import Rewrites

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


WRONG_KEY, SHARING_KEY = key_of(0, 2), key_of(1, 1)


@pytest.fixture
def rewritten(s3: "S3Client", context: SimpleNamespace, database: StoringInflux, aws: ScriptedAws) -> Rewrites:
    """A file with a wrong version, which overwrote ten points of the version before and two of an older file.

    It has two more points that no other file has.
    """
    aws.outputs |= {"FindStaleName": "stale", "DeletePointsName": "delete"}
    aws.environments["stale"] = {}
    rewrites = Rewrites(s3, context)
    rewrites.load(SHARING_KEY, hours("SE", 10, 5, 5.0))
    rewrites.load(WRONG_KEY, hours("SE", 0, 10, 1.0))
    rewrites.load(WRONG_KEY, hours("SE", 0, 12, 2.0) | hours("N", 0, 2, 2.0))
    return rewrites


@pytest.fixture
def undone_points_go(aws: ScriptedAws, rewritten: Rewrites) -> None:
    """Let DeletePoints say that it removed the points. What it says is shown; nothing is deleted here."""
    aws.results["delete"] = state(removed=2, rewritten=0)


@pytest.fixture
def wrong(rewritten: Rewrites, ledger: "Table") -> LedgerItem:
    """The item of the wrong version."""
    items = list(version_items(f"s3://{SOURCE}/{WRONG_KEY}"))
    return max(items, key=lambda each: each["last_modified"])
