"""The page of a backfill, and the index that it writes at its end."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from shared.pages.index import MAX_LOADS, recent_loads, render_index
from tests.functional.conftest import WORK
from tests.functional.test_report_backfill import GIVEN_UP, end, start
from tests.support.backfill import PREFIX, add_item, put
from tests.support.ledger_entries import failed_item, item, put_items
from tests.support.pages import Page, check_alone, check_structure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

HOSTILE = "<script>alert(1)</script>.parquet"


@pytest.fixture(autouse=True)
def tables(ledger: "Table") -> "Table":
    return ledger


def stored(s3: "S3Client", key: str) -> str:
    page = s3.get_object(Bucket=WORK, Key=key)
    assert page["ContentType"] == "text/html; charset=utf-8"
    content = page["Body"].read().decode()
    check_alone(content)
    check_structure(content)
    return content


def put_files(s3: "S3Client") -> None:
    add_item(s3, put(s3, "a.parquet"), "loaded", verdict="partly loaded")
    failure = {"error": "CorruptParquetError", "message": "cut <off>", "report": "reports/generation/0/r.json"}
    add_item(s3, put(s3, HOSTILE), "failed", **failure)
    put(s3, "c.parquet")


def test_each_file_that_is_not_loaded_is_a_row(s3: "S3Client", context: SimpleNamespace) -> None:
    put_files(s3)
    answer = end(context, start(context))
    assert answer["data"]["report_page"] == f"s3://{WORK}/backfills/run-1.html"
    page = Page(stored(s3, "backfills/run-1.html"))
    assert "3 files 1 loaded 2 not loaded" in page.text
    assert f"{PREFIX}{HOSTILE} CorruptParquetError cut <off>" in page.text
    assert f"{PREFIX}c.parquet unknown its load did not start" in page.text
    assert [link["href"] for link in page.of("a")] == ["../reports/generation/0/r.html", "../index.html"]
    assert f"loader backfill '{PREFIX}'" in [button["data-copy"] for button in page.of("button")]


def test_a_backfill_that_gave_up_has_a_page_with_its_error(s3: "S3Client", context: SimpleNamespace) -> None:
    put_files(s3)
    end(context, {**start(context), "error": GIVEN_UP})
    text = Page(stored(s3, "backfills/run-1.html")).text
    assert "Failed: States.ExceedToleratedFailureThreshold" in text


def test_a_backfill_without_problems_has_a_short_page(s3: "S3Client", context: SimpleNamespace) -> None:
    add_item(s3, put(s3, "a.parquet"), "loaded")
    end(context, start(context))
    page = Page(stored(s3, "backfills/run-1.html"))
    assert "The only file is loaded" in page.text
    assert page.of("table") == []


def test_the_end_of_a_backfill_writes_the_index_of_the_last_loads(s3: "S3Client", context: SimpleNamespace) -> None:
    put_files(s3)
    end(context, start(context))
    page = Page(stored(s3, "index.html"))
    assert "The last 2 loads" in page.text
    assert page.of("a")[0]["href"] == "reports/generation/0/r.html"


def test_the_report_of_a_backfill_does_not_depend_on_its_pages(
    s3: "S3Client", context: SimpleNamespace, ledger: "Table"
) -> None:
    add_item(s3, put(s3, "a.parquet"), "loaded")
    put_items(ledger, item("broken.parquet", "loaded", 1, input_rows="not a number"))
    assert end(context, start(context))["statusCode"] == 200
    assert s3.list_objects_v2(Bucket=WORK, Prefix="index.html")["KeyCount"] == 0


def test_the_index_has_the_last_loads_of_all_statuses(ledger: "Table") -> None:
    loads = [
        failed_item(f"{n}.parquet", n) if n % 2 else item(f"{n}.parquet", "loaded", n) for n in range(MAX_LOADS + 3)
    ]
    put_items(ledger, *loads)
    listed = recent_loads(ledger)
    assert [load["object"] for load in listed] == [load["object"] for load in loads[:MAX_LOADS]]
    assert "There may be more loads" in Page(render_index(listed, datetime.now(UTC))).text
