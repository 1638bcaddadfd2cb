"""The page of a load that failed: the error, what it means, who acts, and the commands for this very load."""

import json
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from shared.work_bucket import findings_key, put_json
from tests.functional.test_report_load import FILE, HEALTH, failed, report, span
from tests.functional.test_report_page import HOSTILE, stored_page
from tests.support.pages import Page, check_alone, check_structure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEALTHY = HEALTH | {"ran": span(0.3, 0.5)}


def broken(error: str, **state: Any) -> dict[str, Any]:
    return failed(error, '{"errorMessage": "cut off"}', **state)


def drawn_failure(s3: "S3Client", context: SimpleNamespace, event: dict[str, Any]) -> str:
    return stored_page(s3, json.loads(report(event, context)["cause"]))


def test_an_error_message_is_shown_as_text_and_never_as_markup(s3: "S3Client", context: SimpleNamespace) -> None:
    cause = json.dumps({"errorMessage": HOSTILE})
    event = failed("CorruptParquetError", cause) | {"event": {"bucket": "source", "key": f"{HOSTILE}.parquet"}}
    content = drawn_failure(s3, context, event)
    check_alone(content)
    check_structure(content)
    assert "s3://$SOURCE/&lt;key&gt;" in content


def test_a_failure_is_shown_with_its_entry_in_the_runbook(s3: "S3Client", context: SimpleNamespace) -> None:
    text = Page(drawn_failure(s3, context, broken("CorruptParquetError", file=FILE, health=HEALTHY))).text
    assert "Failed: CorruptParquetError" in text
    assert "CorruptParquetError · 400 · in ConvertAndChunk cut off What it means The file is not Parquet" in text
    assert "Who acts The producer must write the file again. Command" in text
    assert 'aws s3 cp "s3://$SOURCE/dataset=generation/a.parquet" /tmp/file.parquet' in text
    assert "Preparing the shell STACK=InfluxdbLoader" in text


def test_the_page_shows_no_row_counts_for_a_file_that_was_not_read(s3: "S3Client", context: SimpleNamespace) -> None:
    text = Page(drawn_failure(s3, context, broken("SourceNotFoundError"))).text
    assert "? rows in the file" in text
    assert "in PinSource" in text
    assert "Layout" not in text


def test_all_findings_in_the_columns_are_listed(s3: "S3Client", context: SimpleNamespace) -> None:
    findings = [f"column {number}: not found" for number in range(30)]
    put_json(s3, findings_key("run-1"), {"findings": findings})
    content = drawn_failure(s3, context, broken("SchemaMismatchError", file=FILE, health=HEALTHY))
    assert re.findall(r"<li>(.+?)</li>", content) == findings


def test_the_page_of_a_failure_loads_nothing_else(s3: "S3Client", context: SimpleNamespace) -> None:
    content = drawn_failure(s3, context, broken("SourceForbiddenError", file=FILE, health=HEALTHY))
    check_alone(content)
    check_structure(content)
