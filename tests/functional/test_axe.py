"""The pages are accessible, by the rules of axe-core, in a real browser.

The checks of tests/support/pages.py run everywhere; these need Chromium.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli.coverage import measure_coverage
from cli.coverage_page import render_page
from tests.functional.cli.test_coverage import loaded
from tests.functional.test_backfill_page import put_files, stored
from tests.functional.test_report_backfill import end, start
from tests.functional.test_report_load import FILE, HEALTH, failed, leave_chunk, leave_part, report, span, state
from tests.functional.test_report_of_failure import drawn_failure
from tests.functional.test_report_page import grouped, stored_page
from tests.support.ledger_entries import item, put_items
from tests.support.pages import axe_violations, browser

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.skipif(not browser(), reason="Chromium is not installed, so axe-core did not check the pages")


def test_axe_core_finds_what_is_wrong(tmp_path: Path) -> None:
    page = (
        '<!doctype html><html lang="en"><head><title>t</title></head><body><main><h1>t</h1><img src="a"></main></body>'
    )
    assert [rule for rule, _ in axe_violations(page, tmp_path)] == ["image-alt"]


def test_the_page_of_a_load(s3: "S3Client", context: SimpleNamespace, tmp_path: Path) -> None:
    sample = {"source_row": 7, "record": {"region": "N"}}
    reasons = [{"rule": "collision", "reason": "another value", "rows": 6, "samples": [sample]}]
    tags = {"region": {"count": 2, "names": ["N", "S"]}}
    courses = grouped([0, 1, 2, 9], N=1.0, S=40.0)
    leave_part(s3, set_aside={"collision": 6}, reasons=reasons, profile=courses, tag_values=tags)
    leave_chunk(s3)
    assert axe_violations(stored_page(s3, report(state(), context)), tmp_path) == []


def test_the_page_of_a_failed_load(s3: "S3Client", context: SimpleNamespace, tmp_path: Path) -> None:
    health: Any = HEALTH | {"ran": span(0.3, 0.5)}
    failure = failed("CorruptParquetError", '{"errorMessage": "cut off"}', file=FILE, health=health)
    assert axe_violations(drawn_failure(s3, context, failure), tmp_path) == []


def test_the_pages_of_a_backfill(s3: "S3Client", ledger: "Table", context: SimpleNamespace, tmp_path: Path) -> None:
    put_items(ledger, item("now.parquet", "claimed", 0), item("old.parquet", "loaded", 9, report="reports/r.json"))
    put_files(s3)
    end(context, start(context))
    for key in ("backfills/run-1.html", "index.html"):
        assert axe_violations(stored(s3, key), tmp_path) == []


def test_the_page_of_the_coverage(tmp_path: Path) -> None:
    assert axe_violations(render_page(measure_coverage([loaded("a", ["2024-01-30", 1, 24, 1, 1, 1])])), tmp_path) == []
