"""The page of a load report: complete by itself, and harmless whatever the file held."""

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.report_load.charts import charts
from tests.functional.conftest import WORK
from tests.functional.test_report_load import failed, leave_chunk, leave_part, report, state

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOUR_NS = 3_600 * 10**9
HOSTILE = "<script>alert(1)</script>"


def profile(hours: list[int]) -> dict[str, Any]:
    buckets = [[hour, 10, 1.0, 2.0 + hour, 40.0] for hour in hours]
    last_ns = hours[-1] * HOUR_NS
    return {"first_ns": hours[0] * HOUR_NS, "last_ns": last_ns, "bucket_ns": HOUR_NS, "fields": {"power_mw": buckets}}


def drawn(s3: "S3Client", answer: dict[str, Any]) -> str:
    key = answer["data"]["report_page"].removeprefix(f"s3://{WORK}/")
    stored = s3.get_object(Bucket=WORK, Key=key)
    assert stored["ContentType"] == "text/html; charset=utf-8"
    return stored["Body"].read().decode()


class Elements(HTMLParser):
    """Notes every element and everything that an attribute would fetch."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.fetched: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.fetched += [f"{name}={value}" for name, value in attrs if name in {"src", "href", "action", "data"}]


def test_the_page_needs_nothing_but_itself(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3, profile=profile([0, 1, 2]))
    leave_chunk(s3)
    content = drawn(s3, report(state(), context))
    found = Elements(content)
    assert found.fetched == []
    assert found.names.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert "url(" not in content
    assert "@import" not in content


def test_what_a_file_holds_is_text_and_never_markup(s3: "S3Client", context: SimpleNamespace) -> None:
    sample = {"source_row": 7, "record": {HOSTILE: HOSTILE}}
    reason = {"rule": "collision", "reason": HOSTILE, "rows": 6, "samples": [sample]}
    leave_part(s3, reasons=[reason], ignored_columns=[HOSTILE], profile=profile([0]))
    leave_chunk(s3)
    content = drawn(s3, report(state(key=f"dataset=generation/{HOSTILE}.parquet"), context))
    assert "script" not in Elements(content).names
    assert content.count("&lt;script&gt;") >= 4
    assert "row 7" in content


def test_a_field_is_drawn_with_its_gap(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3, profile=profile([0, 1, 2, 3, 4, 20, 21, 22]))
    leave_chunk(s3)
    content = drawn(s3, report(state(), context))
    assert content.count('class="gap"') == 1
    assert "1 gap: 1970-01-01 05:00 to 1970-01-01 20:00" in " ".join(content.split())
    (line,) = re.findall(r'class="mean"[^>]* d="([^"]*)"', content)
    assert [len(run.split("L")) for run in line.split("M")[1:]] == [5, 3]


def test_parts_are_drawn_as_one_file() -> None:
    finer, coarser = profile([0, 1, 2, 3]), profile([2, 3]) | {"bucket_ns": 2 * HOUR_NS, "last_ns": 7 * HOUR_NS}
    (chart,) = charts([finer, coarser])  # type: ignore[list-item]
    assert (chart.values, chart.low, chart.high) == (60, 1.0, 40.0)
    assert len(chart.line.split("L")) == 4


def test_a_failure_is_told_with_its_meaning_and_its_section_of_the_runbook(
    s3: "S3Client", context: SimpleNamespace
) -> None:
    cause = json.loads(report(failed("CorruptParquetError", '{"errorMessage": "cut off"}'), context)["cause"])
    content = drawn(s3, cause)
    assert "cut off" in content
    assert "The file is not Parquet, or is damaged." in content
    assert "section CorruptParquetError of <code>docs/operations.md</code>" in content


def test_a_page_that_cannot_be_drawn_fails_no_load(
    s3: "S3Client", context: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    leave_part(s3, profile={"not": "a profile"})
    leave_chunk(s3)
    answer = report(state(), context)
    assert answer["statusCode"] == 200
    assert "could not be drawn" in drawn(s3, answer)
    assert "the report has no page" in caplog.text
