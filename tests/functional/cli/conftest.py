"""A deployment for the commands: S3 and DynamoDB of moto, and scripted CloudFormation, Lambda and Step Functions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from cli.output import console
from tests.functional.conftest import LEDGER, SOURCE, WORK
from tests.support.scripted_aws import BACKFILL, ENDPOINTS, MACHINE, ScriptedAws, scripted_aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

OUTPUTS = {
    "SourceBucketName": SOURCE,
    "WorkBucketName": WORK,
    "LedgerTableName": LEDGER,
    "StateMachineArn": MACHINE,
    "BackfillArn": BACKFILL,
    "ConvertAndChunkName": "convert",
    "WriteBatchName": "write",
}


@pytest.fixture
def aws(ledger: "Table", monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    """The commands find it as they find a deployed stack, and print to a wide terminal."""
    monkeypatch.setattr(console, "width", 200)
    with scripted_aws() as server:
        server.outputs = dict(OUTPUTS)
        server.environments = {"convert": {}, "write": {}}
        for name in ENDPOINTS:
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
        yield server
