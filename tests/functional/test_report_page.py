"""The page of a load report: complete by itself, and harmless whatever the file held."""

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.report_load.charts import charts
from functions.report_load.chunk_rows import MAX_ROWS
from shared.work_bucket import outcome_key, put_json
from tests.functional.conftest import WORK
from tests.functional.test_report_load import FILE, chunk, leave_chunk, leave_part, report, span, state
from tests.support.pages import Page, check_alone, check_structure

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


def test_the_answer_links_to_the_page(s3: "S3Client", context: SimpleNamespace) -> None:
    response = report(state(rows=0), context)
    assert response["data"]["report_page"] == f"s3://{WORK}/reports/generation/00000000deadbeef/run-1.html"
    assert stored_page(s3, response).startswith("<!doctype html>")


def test_the_page_loads_nothing_else(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3, profile=profile([0, 1, 2]))
    leave_chunk(s3)
    content = stored_page(s3, report(state(), context))
    check_alone(content)
    check_structure(content)


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
        "Points",
        "Plausibility",
        "Fields over time",
        "Timeline",
        "Requests to InfluxDB",
        "Chunks",
        "Source and execution",
    ]
    text = Page(content).text
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
    text = Page(stored_page(s3, report(load, context))).text
    assert "at most 301 of 7 days (assumed: the bucket's shard group duration cannot be read)" in text
    assert "Warning: the points touch up to 301 shards of 7 days" in text
    assert "times without a zone were read as UTC" in text
    load["health"]["shard_seconds"] = {"generation": 70 * 86_400, "consumption": 3_600}
    text = Page(stored_page(s3, report(load, context))).text
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
    text = Page(stored_page(s3, report(state(), context))).text
    assert "2 · refused_by_influxdb: a field type conflict row 1,234 line=m,t=a f=1 0" in text
    assert "7 more rows for other reasons" in text


def test_states_and_waits_are_bars(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3, runs=[span(2, 3) | {"then": "WaitForInflux"}, span(30, 31) | {"then": ""}])
    content = stored_page(s3, report(state(), context))
    lanes = dict(re.findall(r'class="lane"><span>(\w+).*?</span>\s*<div class="track"[^>]*>(.+?)</div>', content))
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
    assert re.findall(r"<h2>(.+?)</h2>", content) == ["Rows", "Points", "Timeline", "Source and execution"]
    assert "0 rows in the file 0 points stored Rows The file has no rows" in Page(content).text


def test_the_content_of_a_file_is_shown_as_text_and_never_as_markup(s3: "S3Client", context: SimpleNamespace) -> None:
    sample = {"source_row": 7, "record": {HOSTILE: HOSTILE}}
    reason = {"rule": "collision", "reason": HOSTILE, "rows": 6, "samples": [sample]}
    leave_part(s3, reasons=[reason], ignored_columns=[HOSTILE], profile=profile([0]))
    leave_chunk(s3)
    content = stored_page(s3, report(state(key=f"dataset=generation/{HOSTILE}.parquet"), context))
    check_alone(content)
    check_structure(content)
    assert content.count("&lt;script&gt;") >= 4
    assert "row 7" in content


def test_a_field_is_drawn_with_its_gap(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3, profile=profile([0, 1, 2, 3, 4, 20, 21, 22]))
    leave_chunk(s3)
    content = stored_page(s3, report(state(), context))
    assert content.count('class="gap"') == 1
    assert "1 gap: 1970-01-01 05:00 to 1970-01-01 20:00" in Page(content).text
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
    assert "efficiency: no values · 9 not finite, not written" in Page(stored_page(s3, report(state(), context))).text


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


def grouped(hours: list[int], **values: float) -> dict[str, Any]:
    """A profile whose groups are the values of region, each with the same value at all hours."""
    bins = {name: [[hour, 1, value, value, value] for hour in hours] for name, value in values.items()}
    return profile(hours) | {"groups": {"tag": "region", "bucket_ns": HOUR_NS, "fields": {"power_mw": bins}}}


def test_each_group_of_series_has_a_line_and_an_entry_in_the_legend(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3, profile=grouped([0, 1, 2], N=1.0, S=40.0) | {"last_ns": 2 * HOUR_NS})
    leave_chunk(s3)
    content = stored_page(s3, report(state(), context))
    lines = re.findall(r'class="mean (g\d)" vector-effect="[^"]*" d="([^"]*)"', content)
    assert [style for style, _ in lines] == ["g0", "g1"]
    heights = [{float(point.split()[1]) for point in re.split("[ML]", path)[1:]} for _, path in lines]
    assert heights == [{106.0}, {4.0}]  # the minimum is at the bottom of the chart, the maximum at its top
    assert "the series with one region" in Page(content).text
    assert re.search(r"N\s+S", Page(content).text)


@pytest.mark.parametrize("other", [profile([3]), grouped([3], N=1.0) | {"groups": {"tag": "line_id"}}])
def test_parts_with_different_groups_have_one_line(
    s3: "S3Client", context: SimpleNamespace, other: dict[str, Any]
) -> None:
    leave_part(s3, profile=grouped([0, 1, 2], N=1.0, S=40.0))
    leave_part(s3, part=1, chunks=[], points=0, rows=0, collapsed=0, set_aside={}, profile=other)
    leave_chunk(s3)
    content = stored_page(s3, report(state(), context))
    assert len(re.findall(r'class="mean"', content)) == 1
    assert 'class="mean g0"' not in content


def test_groups_of_several_parts_are_one_line_each(s3: "S3Client", context: SimpleNamespace) -> None:
    later = grouped([4, 5], N=1.0, S=40.0) | {
        "bucket_ns": 2 * HOUR_NS,
        "first_ns": 8 * HOUR_NS,
        "last_ns": 11 * HOUR_NS,
    }
    later["groups"] = later["groups"] | {"bucket_ns": 2 * HOUR_NS}
    leave_part(s3, profile=grouped([0, 2, 4, 6], N=1.0, S=40.0))
    leave_part(s3, part=1, chunks=[], points=0, rows=0, collapsed=0, set_aside={}, profile=later)
    leave_chunk(s3)
    content = stored_page(s3, report(state(), context))
    paths = re.findall(r'class="mean g0" vector-effect="[^"]*" d="([^"]*)"', content)
    places = [float(point.split()[0]) for point in re.split("[ML]", paths[0])[1:]]
    assert places == [60.0, 180.0, 300.0, 420.0, 540.0, 660.0]


def test_groups_have_wider_bins_than_the_chart(s3: "S3Client", context: SimpleNamespace) -> None:
    course = grouped([0, 1], N=1.0, S=40.0)
    leave_part(s3, profile=profile([0, 1, 2, 3]) | {"groups": course["groups"] | {"bucket_ns": 2 * HOUR_NS}})
    leave_chunk(s3)
    content = stored_page(s3, report(state(), context))
    paths = re.findall(r'class="mean g0" vector-effect="[^"]*" d="([^"]*)"', content)
    assert [float(point.split()[0]) for point in re.split("[ML]", paths[0])[1:]] == [180.0, 540.0]


def test_the_page_shows_where_the_points_went(s3: "S3Client", context: SimpleNamespace) -> None:
    values = {"region": {"count": 2, "names": ["N", "S"]}, "plant_name": {"count": 5000, "names": []}}
    leave_part(s3, profile=profile([0]), tag_values=values)
    leave_chunk(s3)
    text = Page(stored_page(s3, report(state(), context))).text
    assert "Measurement generation_data InfluxDB bucket ons Absent fields capacity_factor, efficiency:" in text
    assert "Absent tags energy_source, measurement_type, quality_flag, operator tag" in text
    assert "region 2 N, S plant_name 5,000 too many to list" in text


def test_tag_values_of_all_parts_are_counted_once(s3: "S3Client", context: SimpleNamespace) -> None:
    for part, (names, count) in enumerate([(["N", "S"], 30), (["S", "SE"], 50)]):
        values = {"region": {"count": 2, "names": names}, "plant_name": {"count": count, "names": []}}
        some = {"rows": 0, "points": 0, "collapsed": 0, "set_aside": {}, "chunks": []} if part else {}
        leave_part(s3, part=part, tag_values=values, **some)
    leave_chunk(s3)
    text = Page(stored_page(s3, report(state(), context))).text
    assert "region 3 N, S, SE plant_name at least 50 too many to list" in text


def test_each_chunk_has_a_row_with_its_latencies(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3)
    text = Page(stored_page(s3, report(state(), context))).text
    assert "0000-0000 1,487 of 1,490 2 2 10 ms 41.5 ms 41.5 ms 3 00:00:02" in text


def test_of_many_chunks_the_slowest_are_shown(s3: "S3Client", context: SimpleNamespace) -> None:
    names = [f"0000-{number:04}" for number in range(MAX_ROWS + 1)]
    chunks = [{"chunk": name, "sha256": "", "points": 10} for name in names]
    leave_part(s3, chunks=chunks, rows=10 * len(names), points=10 * len(names), collapsed=0, set_aside={}, batches=101)
    for number, name in enumerate(names):
        content = chunk(chunk=name, points=10, written={"0": 10}, batches=1, refused={}, slowest_ms=float(number))
        put_json(s3, outcome_key(FILE["load_id"], "run-1", name), content)  # type: ignore[arg-type]
    page = stored_page(s3, report(state(rows=10 * len(names)), context))
    assert re.findall(r'<th scope="row">(0000-\d+)</th>', page) == names[1:]
    assert "The 100 chunks with the slowest requests, of 101." in Page(page).text


def test_the_page_links_to_the_console(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_GROUPS", "group-of-write,group-of-report")
    leave_part(s3)
    leave_chunk(s3)
    load = state()
    arn = "arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:Loader:run-1"
    load["execution"] = load["execution"] | {"id": arn}
    addresses = [link["href"] for link in Page(stored_page(s3, report(load, context))).of("a")]
    site = "https://us-gov-west-1.console.amazonaws-us-gov.com"
    assert addresses[0] == f"{site}/states/home?region=us-gov-west-1#/v2/executions/details/{arn}"
    assert addresses[1].startswith(f"{site}/cloudwatch/home?region=us-gov-west-1#logsV2:logs-insights")
    assert all(name in addresses[1] for name in ("run-1", "~'group-of-write~'group-of-report"))
    folder = "quarantine%2Fgeneration%2F00000000deadbeef%2Frun-1%2F"
    assert addresses[2:] == [f"{site}/s3/buckets/{WORK}?region=us-gov-west-1&prefix={folder}"]


def test_texts_to_copy_have_a_button(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3)
    buttons = Page(stored_page(s3, report(state(), context))).of("button")
    texts = {button["data-copy"] for button in buttons}
    assert {FILE["key"], FILE["load_id"], "arn:run-1", "loader verify 00000000", "loader show 00000000"} <= texts
    assert all("hidden" in button for button in buttons), "a button that does nothing without the script"
