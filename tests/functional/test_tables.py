"""A load whose file lies next to the metadata of a Delta or Iceberg table warns that removed files may be loaded."""

import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from functions.validate_schema.handler import plan_load
from functions.validate_schema.pin import pin_source
from shared.events import FileRef
from shared.requested_object import RequestedObject
from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import generation
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish
from tests.support.scripted_influx import ScriptedInflux
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

DELTA = "_delta_log/00000000000000000000.json"


@pytest.fixture(autouse=True)
def server(influx: ScriptedInflux, ledger: "Table") -> "Table":
    influx.fallback = StoringInflux()
    return ledger


def planned(s3: "S3Client", key: str, *others: str) -> FileRef:
    """Return the plan of a file in a bucket that has other objects, too."""
    content = io.BytesIO()
    pq.write_table(generation(3), content)
    s3.put_object(Bucket=SOURCE, Key=key, Body=content.getvalue())
    for other in others:
        s3.put_object(Bucket=SOURCE, Key=other, Body=b"{}")
    now = datetime.now(UTC)
    return plan_load(s3, pin_source(s3, RequestedObject(bucket=SOURCE, key=key, force=True), now), now)


@pytest.mark.parametrize(
    ("key", "metadata", "table"),
    [
        ("dataset=generation/a.parquet", f"dataset=generation/{DELTA}", "dataset=generation/"),
        ("dataset=generation/region=N/year=2024/a.parquet", f"dataset=generation/{DELTA}", "dataset=generation/"),
        ("lake/dataset=generation/a.parquet", f"lake/{DELTA}", "lake/"),
        ("dataset=generation/a.parquet", DELTA, ""),
        ("x/generation/dataset=generation/a.parquet", f"x/{DELTA}", None),
        (
            "dataset=generation/t/data/year=2024/a.parquet",
            "dataset=generation/t/metadata/1.metadata.json",
            "dataset=generation/t/",
        ),
        ("dataset=generation/t/a.parquet", "dataset=generation/t/metadata/1.metadata.json", None),
        ("dataset=generation/a.parquet", "dataset=generation/_delta_log/other.txt", None),
        ("dataset=generation/a.parquet", "dataset=generation/b.parquet", None),
    ],
)
def test_a_plan_names_the_table_of_its_file(s3: "S3Client", key: str, metadata: str, table: str | None) -> None:
    assert planned(s3, key, metadata)["table"] == table


def test_a_folder_is_listed_once_for_all_of_its_files(s3: "S3Client") -> None:
    listed = list[str]()
    s3.meta.events.register("before-call.s3.ListObjectsV2", lambda params, **_: listed.append(params["url_path"]))
    tables = [
        planned(s3, f"dataset=generation/{name}.parquet", f"dataset=generation/{DELTA}")["table"] for name in "ab"
    ]
    assert tables == ["dataset=generation/"] * 2
    assert len(listed) == 1


def test_a_folder_that_may_not_be_listed_does_not_fail_the_load(s3: "S3Client") -> None:
    def deny(**_: object) -> Any:
        return AWSResponse("", 403, HTTPHeaders(), None), {"Error": {"Code": "AccessDenied", "Message": "denied"}}

    s3.meta.events.register("before-call.s3.ListObjectsV2", deny)
    file = planned(s3, "dataset=generation/a.parquet", f"dataset=generation/{DELTA}")
    assert (file["table"], file["rows"]) == (None, 3)


@pytest.mark.parametrize(("metadata", "warnings"), [(f"dataset=generation/{DELTA}", 1), ("other.json", 0)])
def test_the_report_warns_of_the_table(s3: "S3Client", context: SimpleNamespace, metadata: str, warnings: int) -> None:
    file = planned(s3, "dataset=generation/a.parquet", metadata)
    load = StepwiseLoad(s3, context, file["key"])
    load.state["file"]["table"] = file["table"]
    finish(load)
    report = json.loads(s3.get_object(Bucket=WORK, Key=load.data["report"])["Body"].read())
    messages = report["plausibility"]["warnings"]
    assert len(messages) == warnings
    assert all(
        message.startswith(f"s3://{SOURCE}/dataset=generation/ is the folder of a Delta") for message in messages
    )
