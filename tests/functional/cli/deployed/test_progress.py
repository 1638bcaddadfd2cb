"""The progress of a load is what the outcomes in the work bucket say."""

from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed import progress
from cli.deployed.progress import ProgressReader
from cli.deployed.stack import Deployment
from tests.functional.conftest import SOURCE
from tests.support.ledger_entries import item, put_items
from tests.support.scripted_aws import STACK, ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "INTERVAL_S", 0.0)


def test_a_load_that_no_item_names_has_no_progress(aws: ScriptedAws) -> None:
    assert aws.outputs["SourceBucketName"] == SOURCE
    assert ProgressReader(Deployment(STACK), "arn:run").read() is None


def test_rows_chunks_and_points_are_counted(load: Any, ledger: "Table") -> None:
    arn = "arn:run-1"
    put_items(ledger, item("a.parquet", "claimed", 1, load_id=load["load_id"], execution=arn))
    done = ProgressReader(Deployment(STACK), arn).read()
    assert done is not None
    stats = load["conversion_stats"]
    assert done.rows == stats["input_rows"]
    assert done.points == done.settled_points == stats["output_points"] > 0
    assert done.chunks == done.finished_chunks == 1
