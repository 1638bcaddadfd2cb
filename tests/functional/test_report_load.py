"""ReportLoad and ReportFailure: the contract's response, the metrics once per file, the report."""

import gzip
import json
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.report_load.handler import lambda_handler
from shared.errors import AccountingError, InvalidRecordsError, NoValidRecordsError, TooManySeriesError
from shared.work_bucket import findings_key, get_json, outcome_key, put_json, report_key, series_key
from tests.functional.conftest import WORK
from tests.support.contract import METRICS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEALTH = {"status": "healthy", "response_time_ms": 1.5, "version": "v2.7", "bucket": "found"}


def span(begins: float, ends: float) -> dict[str, str]:
    """Seconds of one minute."""
    return {name: f"2024-01-01T00:00:{at:06.3f}+00:00" for name, at in (("started_at", begins), ("ended_at", ends))}


EXECUTION = {"id": "arn:run-1", "name": "run-1", "start_time": "2024-01-01T00:00:00.000Z"}
FILE = {
    "load_id": "00000000deadbeef",
    "bucket": "source",
    "key": "dataset=generation/a.parquet",
    "version_id": "v1",
    "etag": '"e"',
    "size": 1000,
    "dataset": "generation",
    "layout": "wide",
    "rows": 1500,
    "parts": [],
    "skipped": "",
    "not_before": "",
    "ran": {"PinSource": span(0.1, 0.2), "ValidateSchema": span(0.6, 0.8)},
}
EVENT = {"bucket": "source", "key": "dataset=generation/a.parquet"}


def state(**file: Any) -> dict[str, Any]:
    return {"event": EVENT, "execution": EXECUTION, "health": HEALTH | {"ran": span(0.3, 0.5)}, "file": FILE | file}


def failed(error: str, cause: str, **more: Any) -> dict[str, Any]:
    return {"event": EVENT, "execution": EXECUTION, "error": {"Error": error, "Cause": cause}, **more}


def leave_part(s3: "S3Client", **changes: Any) -> None:
    part = {
        "part": 0,
        "rows": 1500,
        "points": 1490,
        "collapsed": 4,
        "set_aside": {"no field": 6},
        "fields_left_out": {"power_mw": 2},
        "out_of_bounds": {},
        "ignored_columns": [],
        "collision_columns": [],
        "reasons": [],
        "body_bytes": 100_000,
        "series": 3,
        "profile": None,
        "started_at": "2024-01-01T00:00:01.000+00:00",
        "seconds": 0.5,
        "batches": 2,
        "chunks": [{"chunk": "0000-0000", "sha256": "", "points": 1490}],
    }
    part |= changes
    put_json(s3, outcome_key(FILE["load_id"], "run-1", f"{part['part']:04}"), part)  # type: ignore[arg-type]


def chunk(**changes: Any) -> dict[str, Any]:
    """The outcome of a chunk."""
    outcome = {
        "chunk": "0000-0000",
        "points": 1490,
        "batches": 2,
        "written": {"0": 1000, "1": 487},
        "refused": {"1": 3},
        "requests": 2,
        "latencies_ms": {"10": 1, "50": 1},
        "slowest_ms": 41.5,
        "runs": [span(2, 3) | {"then": ""}],
        "reasons": [],
    }
    return outcome | changes


def leave_chunk(s3: "S3Client", **changes: Any) -> None:
    put_json(s3, outcome_key(FILE["load_id"], "run-1", "0000-0000"), chunk(**changes))  # type: ignore[arg-type]


def report(load: dict[str, Any], context: SimpleNamespace) -> dict[str, Any]:
    """ReportFailure, ReportSkip or ReportLoad, as the state machine would call it about `load`."""
    state = "ReportFailure" if "error" in load else "ReportSkip" if load["file"]["skipped"] else "ReportLoad"
    response: Any = lambda_handler({"state": state, "input": load}, context)  # type: ignore[typeddict-item, arg-type]
    return response  # type: ignore[no-any-return]


def emitted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The EMF lines on standard output."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" in line]


def test_a_loaded_file_is_answered_as_the_contract_says(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3)
    response = report(state(), context)
    assert set(response) == {"statusCode", "message", "timestamp", "data"}
    assert (response["statusCode"], response["message"]) == (200, "Data loaded successfully")
    assert datetime.strptime(response["timestamp"], "%Y-%m-%dT%H:%M:%S.%f").tzinfo is None  # noqa: DTZ007
    data = response["data"]
    assert (data["points_written"], data["batches_processed"], data["dataset_type"]) == (1487, 2, "generation")
    assert data["influxdb_health"] == HEALTH | {"bucket_id": ""}
    assert data["processing_time_seconds"] > 0
    stats = data["conversion_stats"]
    assert (stats["input_rows"], stats["output_points"]) == (1500, 1490)
    assert stats["conversion_rate"] == pytest.approx(1490 / 1500)
    assert (stats["collapsed_rows"], stats["set_aside_rows"], stats["refused_points"]) == (4, {"no field": 6}, 3)


def test_the_answer_has_the_id_of_the_bucket_of_the_dataset(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3)
    load = state()
    load["health"] |= {"bucket_ids": {"consumption": "id-c", "generation": "id-g"}}
    assert report(load, context)["data"]["influxdb_health"]["bucket_id"] == "id-g"


def test_the_seven_metrics_are_emitted_once_per_file(
    s3: "S3Client", context: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_part(s3)
    leave_chunk(s3)
    report(state(), context)
    (line,) = emitted(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "ONS/InfluxDB"
    assert directive["Dimensions"] == [["service"], ["service", "dataset"]]
    assert {metric["Name"] for metric in directive["Metrics"]} == METRICS
    assert (line["service"], line["dataset"]) == ("influxdb-loader", "generation")
    assert line["PointsWritten"] == [1487.0]
    assert line["SuccessRate"] == [0.5]
    assert (line["FailedBatches"], line["ProcessingErrors"]) == ([1.0], [0.0])


def test_the_report_is_stored_at_the_key_in_the_response(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3)
    response = report(state(), context)
    assert response["data"]["report"] == "reports/generation/00000000deadbeef/run-1.json"
    report_json = get_json(s3, response["data"]["report"])
    assert report_json["response"] == response
    assert (report_json["file"], report_json["parts"][0]["rows"], report_json["chunks"][0]["requests"]) == (
        FILE,
        1500,
        2,
    )


def test_a_file_without_rows_is_loaded_with_no_points(s3: "S3Client", context: SimpleNamespace) -> None:
    data = report(state(rows=0), context)["data"]
    assert (data["points_written"], data["batches_processed"]) == (0, 0)
    assert data["conversion_stats"]["conversion_rate"] == 1.0


def test_a_skipped_object_is_no_load_and_has_no_metrics(
    s3: "S3Client", context: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    response = report(state(skipped="an empty object", load_id="", dataset="", rows=0), context)
    assert (response["statusCode"], response["message"]) == (200, "Skipped: an empty object")
    assert emitted(capsys) == []


@pytest.mark.parametrize("lost", [{"points": 1489}, {"collapsed": 3}, {"rows": 1499}, {"set_aside": {}}])
def test_a_row_that_is_not_accounted_for_fails_the_load(
    s3: "S3Client", context: SimpleNamespace, lost: dict[str, Any]
) -> None:
    leave_part(s3, **lost)
    leave_chunk(s3)
    with pytest.raises(AccountingError, match="1500 rows"):
        report(state(), context)


def test_a_point_that_was_never_sent_fails_the_load(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3)
    leave_chunk(s3, written={"0": 1000})
    with pytest.raises(AccountingError, match="1490 points were staged, 1490 were sent; 1 chunks are incomplete"):
        report(state(), context)


def test_a_file_without_a_valid_record_fails(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3, points=0, collapsed=0, set_aside={"no field": 1500}, batches=0, chunks=[])
    with pytest.raises(NoValidRecordsError, match="1500 rows"):
        report(state(), context)


def test_a_failure_has_the_same_shape_with_the_error_s_status(s3: "S3Client", context: SimpleNamespace) -> None:
    error_json = json.dumps(
        {"errorMessage": "no column region", "errorType": "SchemaMismatchError", "stackTrace": ["x"]}
    )
    put_json(s3, findings_key("run-1"), {"findings": ["a", "b"]})
    response = report(failed("SchemaMismatchError", error_json), context)
    cause = json.loads(response["cause"])
    assert response["error"] == "SchemaMismatchError"
    assert (cause["statusCode"], cause["message"]) == (400, "no column region")
    assert (cause["data"]["error"], cause["data"]["key"]) == ("SchemaMismatchError", EVENT["key"])
    assert get_json(s3, cause["data"]["report"])["findings"] == ["a", "b"]


def test_a_failure_during_writing_lists_the_chunks_that_are_not_written(
    s3: "S3Client", context: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_part(s3)
    leave_chunk(s3, written={"0": 1000}, refused={})
    error_json = json.dumps({"errorMessage": "no answer"})
    response = report(failed("InfluxUnavailableError", error_json, health=HEALTH, file=FILE), context)
    cause = json.loads(response["cause"])
    assert cause["statusCode"] == 503
    assert cause["message"] == (
        "no answer; of 1490 points 1000 are stored, 490 may be stored (InfluxDB did not acknowledge them); "
        "incomplete chunks: 0000-0000"
    )
    points = {"stored": 1000, "rejected": 0, "superseded": 0, "not_sent": 0, "unknown": 490}
    assert response["points"] == cause["data"]["points"] == points
    load, error = emitted(capsys)
    assert (load["ProcessingErrors"], load["FailedBatches"], load["SuccessRate"]) == ([1.0], [1.0], [0.5])
    assert error["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["error", "service"]]
    assert (error["error"], error["ProcessingErrors"]) == ("InfluxUnavailableError", [1.0])


def test_a_killed_function_is_reported_under_aws_s_name(s3: "S3Client", context: SimpleNamespace) -> None:
    cause = json.loads(report(failed("Sandbox.Timedout", "timed out after 3 s", file=FILE), context)["cause"])
    assert (cause["statusCode"], cause["message"]) == (500, "Sandbox.Timedout: timed out after 3 s")


def test_a_failure_with_an_unreadable_event_is_still_reported(s3: "S3Client", context: SimpleNamespace) -> None:
    broken = failed("UnreadableEventError", json.dumps({"errorMessage": "no object"})) | {"event": [1]}
    cause = json.loads(report(broken, context)["cause"])
    assert (cause["statusCode"], "key" in cause["data"]) == (400, False)
    assert cause["data"]["report"] == "reports/unplanned/unplanned/run-1.json"


def leave_series(s3: "S3Client", part: int, *plants: str) -> None:
    lines = "\n".join(f"generation_data,plant_name={plant},region=N " for plant in plants)
    body = gzip.compress(lines.encode())
    s3.put_object(Bucket=WORK, Key=series_key(str(FILE["load_id"]), "run-1", part), Body=body)


def test_the_series_of_all_parts_are_counted_once(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_series(s3, 0, "a", "b", "c")
    leave_series(s3, 1, "b", "c", "d")
    leave_series(s3, 2)
    call: Any = {"state": "CheckSeries", "input": state()}
    monkeypatch.setenv("MAX_SERIES", "4")
    assert lambda_handler(call, context) == {"series": 4}  # type: ignore[arg-type]
    monkeypatch.setenv("MAX_SERIES", "3")
    with pytest.raises(TooManySeriesError, match="the tag 'plant_name' has the most values, 4, such as 'a', 'b', 'c'"):
        lambda_handler(call, context)  # type: ignore[arg-type]


def test_the_rows_set_aside_in_all_parts_are_judged_by_the_rows_of_the_file(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = {"rule": "missing_tag", "reason": "region is empty", "rows": 200}
    sample = {"source_row": 7, "record": {"region": None}}
    leave_part(s3, part=0, rows=500, set_aside={"missing_tag": 200}, reasons=[reason | {"samples": [sample]}])
    leave_part(s3, part=1, rows=1000, set_aside={"missing_tag": 100, "no_field": 50}, all_null=50)
    call: Any = {"state": "CheckSeries", "input": state()}
    monkeypatch.setenv("MAX_SET_ASIDE_RATE", "0.2")
    assert lambda_handler(call, context) == {"series": 0}  # type: ignore[arg-type]
    monkeypatch.setenv("MAX_SET_ASIDE_RATE", "0.199")
    with pytest.raises(InvalidRecordsError, match=r"^300 of 1500 rows .* 200 missing_tag .* row 7: region=None;"):
        lambda_handler(call, context)  # type: ignore[arg-type]


def test_a_failure_names_the_state_before_the_registration(s3: "S3Client", context: SimpleNamespace) -> None:
    parts = [{"file_parts": 2, "last_modified": 0}] * 2
    load = failed("TooManySeriesError", "{}", **{name: state(parts=parts)[name] for name in ("health", "file")})
    report(load | {"converted": {"chunks": []}}, context)
    key = report_key("generation", str(FILE["load_id"]), "run-1", "json")
    assert get_json(s3, key)["failed_state"] == "CheckSeries"
    report(load | {"converted": {"chunks": []}, "series": {"series": 9}}, context)
    assert get_json(s3, key)["failed_state"] == "CompareParts"


def test_a_report_tells_what_is_plausible(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part(s3, local_times=True)
    leave_chunk(s3)
    content = get_json(s3, report(state(), context)["data"]["report"])
    assert (content["plausibility"]["series"], content["plausibility"]["shard_duration"]) == (3, "assumed")
    assert content["plausibility"]["notes"] == ["times without a zone were read as UTC"]


def leave_part_with_footprint(s3: "S3Client", part: int, day: str) -> None:
    profile = {"first_ns": 1_704_067_200_000_000_000 + part, "last_ns": 1_704_067_200_000_000_007, "fields": {}}
    leave_part(s3, part=part, calendar=[[day, 2, 24, 1, 5, 6]], profile=profile | {"bucket_ns": 1})


def test_the_footprint_of_a_load_is_named_with_its_times_and_days(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part_with_footprint(s3, 0, "2024-01-01")
    leave_part_with_footprint(s3, 1, "2024-01-03")
    failure = report(failed("RefusedPointsError", "x", file=FILE | {"parts": [{}, {}]}), context)
    assert failure["footprint"] == json.loads(failure["cause"])["data"]["footprint"]
    assert failure["footprint"] == {
        "prefix": "footprints/generation/00000000deadbeef/run-1/",
        "measurement": "generation_data",
        "first_time": "2024-01-01T00:00:00.000000000Z",
        "last_time": "2024-01-01T00:00:00.000000007Z",
        "calendar": '[["2024-01-01",4,24,1,5,6]]',
    }


def test_a_load_without_the_footprints_of_all_parts_has_none(s3: "S3Client", context: SimpleNamespace) -> None:
    leave_part_with_footprint(s3, 0, "2024-01-01")
    leave_part(s3, part=1)  # converted by a former release
    failure = report(failed("RefusedPointsError", "x", file=FILE | {"parts": [{}, {}]}), context)
    assert set(failure["footprint"].values()) == {""}
    assert set(report(failed("SourceNotFoundError", "x"), context)["footprint"].values()) == {""}
