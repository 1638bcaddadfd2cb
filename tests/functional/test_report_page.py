"""The page of a load report: complete by itself, and harmless whatever the file held."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.report_load.charts import charts
from tests.functional.conftest import WORK
from tests.functional.test_report_load import leave_chunk, leave_part, report, span, state

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOUR_NS = 3_600 * 10**9
HOSTILE = "<script>alert(1)</script>"


def profile(hours: list[int]) -> dict[str, Any]:
    buckets = [[hour, 10, 1.0, 2.0 + hour, 40.0] for hour in hours]
    last_ns = hours[-1] * HOUR_NS
    return {"first_ns": hours[0] * HOUR_NS, "last_ns": last_ns, "bucket_ns": HOUR_NS, "fields": {"power_mw": buckets}}


def stored_page(s3: "S3Client", response: dict[str, Any]) -> str:
    key = response["data"]["report_page"].removeprefix(f"s3://{WORK}/")
    page_object = s3.get_object(Bucket=WORK, Key=key)
    assert page_object["ContentType"] == "text/html; charset=utf-8"
    return page_object["Body"].read().decode()


class Elements(HTMLParser):
    """A parser that records the elements, the addresses that attributes would fetch, and the visible text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.fetched: list[str] = []
        self.texts: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.fetched += [f"{name}={value}" for name, value in attrs if name in {"src", "href", "action", "data"}]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def check_alone(content: str) -> None:
    """Check that the page fetches nothing and runs nothing."""
    elements = Elements(content)
    assert elements.fetched == []
    assert elements.names.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not re.search(r"url\(|@import|https?:", content)


def test_the_answer_links_to_the_page(s3: "S3Client", context: SimpleNamespace) -> None:
    response = report(state(rows=0), context)
    assert response["data"]["report_page"] == f"s3://{WORK}/reports/generation/00000000deadbeef/run-1.html"
    assert stored_page(s3, response).startswith("<!doctype html>")


def test_the_page_loads_nothing_else(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3, profile=profile([0, 1, 2]))
    leave_chunk(s3)
    check_alone(stored_page(s3, report(state(), context)))


def test_every_section_is_there(s3: "S3Client", context: SimpleNamespace) -> None:
    sample = {"source_row": 7, "record": {"region": "N"}}
    reasons = [{"rule": "collision", "reason": "another value", "rows": 6, "samples": [sample]}]
    leave_part(s3, set_aside={"collision": 6}, collision_columns=["agent"], reasons=reasons, profile=profile([0, 1]))
    leave_chunk(s3)
    content = stored_page(s3, report(state(), context))
    assert re.findall(r"<h2>(.+?)</h2>", content) == [
        "Rows",
        "Rows set aside and points rejected",
        "Collisions",
        "Plausibility",
        "Fields over time",
        "Timeline",
        "Requests to InfluxDB",
        "Source and execution",
    ]
    text = Elements(content).text
    assert "Partly loaded 6 set aside 3 rejected" in text
    assert "1,500 rows in the file 1,487 points stored 2 batches" in text
    assert "3,000 rows converted per second 1,487 points written per second" in text
    assert "6 of 1,500 rows have the same tags and timestamp as a later row, but another value" in text
    assert "declare one of these columns as a tag: agent" in text
    assert "2 requests 10 ms median 41.5 ms 95th percentile 41.5 ms maximum" in text


def test_what_a_load_does_to_influxdb_is_shown(s3: "S3Client", context: SimpleNamespace) -> None:
    years = profile([0, 24 * 7 * 300]) | {"bucket_ns": 24 * 7 * 300 * HOUR_NS}
    years["fields"] = {"power_mw": [[number, 9, 1.0, 2.0, 3.0] for number in range(2)]}
    leave_part(s3, profile=years, local_times=True)
    leave_chunk(s3)
    load = state()
    text = Elements(stored_page(s3, report(load, context))).text
    assert "at most 301 of 7 days (assumed: the bucket's shard group duration cannot be read)" in text
    assert "Warning: the points touch up to 301 shards of 7 days" in text
    assert "times without a zone were read as UTC" in text
    load["health"]["shard_seconds"] = {"generation": 70 * 86_400, "consumption": 3_600}
    text = Elements(stored_page(s3, report(load, context))).text
    assert "at most 31 of 70 days Note" in text
    assert "Warning" not in text


def test_rows_are_counted_by_where_they_ended(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3)
    content = stored_page(s3, report(state(), context))
    assert re.findall(r'<td class="n">([\d,]+)</td><td class="dot (\w+)">(.+?)</td>', content) == [
        ("1,487", "good", "points stored in InfluxDB"),
        ("3", "bad", "points that InfluxDB rejected"),
        ("4", "plain", "collapsed: they repeat another row exactly"),
        ("6", "odd", "set aside: no field"),
    ]


def test_rejected_points_are_shown_with_the_message_of_the_server(s3: "S3Client", context: SimpleNamespace) -> None:
    samples = [{"source_row": 1234, "record": {"line": f"m,t=a f=1 {number}"}} for number in range(2)]
    reason = {"rule": "refused_by_influxdb", "reason": "a field type conflict", "rows": 2, "samples": samples}
    leave_part(s3)
    leave_chunk(s3, reasons=[reason])
    text = Elements(stored_page(s3, report(state(), context))).text
    assert "2 · refused_by_influxdb: a field type conflict row 1,234 line=m,t=a f=1 0" in text
    assert "7 more rows for other reasons" in text


def test_states_and_waits_are_bars(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3, runs=[span(2, 3) | {"then": "WaitForInflux"}, span(30, 31) | {"then": ""}])
    content = stored_page(s3, report(state(), context))
    lanes = dict(re.findall(r'class="lane"><span>(\w+).*?</span>\s*<div class="track">(.+?)</div>', content))
    kinds = {lane: re.findall(r'<i class="(\w+)"', bars) for lane, bars in lanes.items()}
    assert kinds == {
        "PinSource": ["pause", "run"],
        "CheckHealth": ["pause", "run"],
        "ValidateSchema": ["pause", "run"],
        "ConvertAndChunk": ["pause", "run"],
        "WriteBatch": ["pause", "run", "run"],
        "WaitForInflux": ["wait"],
        "ReportLoad": ["pause", "run"],
    }


def test_a_file_without_rows_has_a_page_that_says_so(s3: "S3Client", context: SimpleNamespace) -> None:
    content = stored_page(s3, report(state(rows=0), context))
    assert re.findall(r"<h2>(.+?)</h2>", content) == ["Rows", "Timeline", "Source and execution"]
    assert "0 rows in the file 0 points stored Rows The file has no rows" in Elements(content).text


def test_the_content_of_a_file_is_shown_as_text_and_never_as_markup(s3: "S3Client", context: SimpleNamespace) -> None:
    sample = {"source_row": 7, "record": {HOSTILE: HOSTILE}}
    reason = {"rule": "collision", "reason": HOSTILE, "rows": 6, "samples": [sample]}
    leave_part(s3, reasons=[reason], ignored_columns=[HOSTILE], profile=profile([0]))
    leave_chunk(s3)
    content = stored_page(s3, report(state(key=f"dataset=generation/{HOSTILE}.parquet"), context))
    assert "script" not in Elements(content).names
    assert content.count("&lt;script&gt;") >= 4
    assert "row 7" in content


def test_a_field_is_drawn_with_its_gap(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3, profile=profile([0, 1, 2, 3, 4, 20, 21, 22]))
    leave_chunk(s3)
    content = stored_page(s3, report(state(), context))
    assert content.count('class="gap"') == 1
    assert "1 gap: 1970-01-01 05:00 to 1970-01-01 20:00" in Elements(content).text
    (line,) = re.findall(r'class="mean"[^>]* d="([^"]*)"', content)
    assert [len(run.split("L")) for run in line.split("M")[1:]] == [5, 3]


def test_missing_values_at_the_start_and_end_of_a_file_are_gaps() -> None:
    late = profile([0, 1, 2, 3, 20, 21]) | {"fields": {"power_mw": profile([10, 11, 12])["fields"]["power_mw"]}}
    (chart,) = charts([late])  # type: ignore[list-item]
    assert chart.gaps == [(0, 10 * HOUR_NS), (13 * HOUR_NS, 22 * HOUR_NS)]
    assert chart.gap_spans == [(0.0, 327.3), (425.5, 294.5)]


def test_a_field_without_values_is_named(s3: "S3Client", context: SimpleNamespace) -> None:
    record = profile([0, 1])
    leave_part(
        s3, profile=record | {"fields": record["fields"] | {"efficiency": []}}, fields_left_out={"efficiency": 9}
    )
    leave_chunk(s3)
    assert (
        "efficiency: no values · 9 not finite, not written" in Elements(stored_page(s3, report(state(), context))).text
    )


def test_parts_are_drawn_as_one_file() -> None:
    finer, coarser = profile([0, 1, 2, 3]), profile([2, 3]) | {"bucket_ns": 2 * HOUR_NS, "last_ns": 7 * HOUR_NS}
    (chart,) = charts([finer, coarser])  # type: ignore[list-item]
    assert (chart.values, chart.low, chart.high) == (60, 1.0, 40.0)
    assert len(chart.line.split("L")) == 4


def test_a_load_succeeds_even_if_its_page_cannot_be_rendered(
    s3: "S3Client", context: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    leave_part(s3, reasons=[{"rule": "no_field", "reason": "none", "rows": 6, "samples": "not a list of samples"}])
    leave_chunk(s3)
    response = report(state(), context)
    assert response["statusCode"] == 200
    assert "could not be rendered" in stored_page(s3, response)
    assert "the report has no page" in caplog.text
