"""Functions that serve several states, called by a definition that does not name the state yet."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from functions.report_backfill.handler import lambda_handler as report_backfill
from functions.report_load.handler import lambda_handler as report_load
from functions.validate_schema.handler import lambda_handler as validate_schema
from tests.functional.conftest import SOURCE
from tests.functional.test_report_backfill import GIVEN_UP
from tests.functional.test_report_load import failed, leave_chunk, leave_part, state
from tests.functional.test_validate_schema import claim, named, parquet
from tests.support.backfill import EXECUTION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client


@pytest.fixture(autouse=True)
def tables(ledger: "Table") -> "Table":
    return ledger


def test_a_bare_load_is_pinned_and_then_planned(s3: "S3Client", context: Any) -> None:
    s3.put_object(Bucket=SOURCE, Key=named()["key"], Body=parquet())
    load: Any = {"event": named(), "execution": EXECUTION}
    load["file"] = validate_schema(load, context)
    claim(load["file"])
    assert (load["file"]["rows"], validate_schema(load, context)["rows"]) == (0, 3)


def test_a_bare_load_is_reported_as_loaded_skipped_or_failed(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3)
    loads = (state(), state(skipped="an empty object"), failed("CorruptParquetError", "{}"))
    loaded, skipped, failure = (cast("Any", report_load(load, context)) for load in loads)  # type: ignore[arg-type]
    assert (loaded["message"], skipped["message"]) == ("Data loaded successfully", "Skipped: an empty object")
    assert json.loads(failure["cause"])["data"]["error"] == "CorruptParquetError"


def test_a_bare_backfill_is_reported_as_ended_or_given_up(context: SimpleNamespace) -> None:
    backfill = {"bucket": SOURCE, "prefix": "", "execution": EXECUTION}
    ended, given_up = (report_backfill(bare, context) for bare in (backfill, backfill | {"error": GIVEN_UP}))  # type: ignore[arg-type]
    assert ended["message"] == "All 0 files are loaded"
    assert given_up["error"] == GIVEN_UP["Error"]  # type: ignore[typeddict-item]
