"""The deployed app on the local cloud: from an object in S3 to points in InfluxDB."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
import pytest
import requests

from cli.deployed.executions import Execution
from shared.datasets import DATASETS
from tests.support.contract import METRICS
from tests.support.deployed_app import DeployedApp, unique_records

ODD_KEY = "dataset=generation/year=2024/month=01/at=2024-01-02 03:04:05.678901/x+y ção.parquet"


def check_contract(answer: dict[str, Any], *, dataset: str, rows: int, points: int, batches: int) -> None:
    """The output of a successful execution, key by key."""
    assert set(answer) == {"statusCode", "message", "timestamp", "data"}
    assert (answer["statusCode"], answer["message"]) == (200, "Data loaded successfully")
    datetime.strptime(answer["timestamp"], "%Y-%m-%dT%H:%M:%S.%f")  # noqa: DTZ007
    data = answer["data"]
    assert (data["points_written"], data["batches_processed"], data["dataset_type"]) == (points, batches, dataset)
    assert data["processing_time_seconds"] > 0
    stats = data["conversion_stats"]
    assert (stats["input_rows"], stats["output_points"]) == (rows, points)
    assert stats["conversion_rate"] == (points / rows if rows else 1.0)
    assert data["influxdb_health"]["status"] == "healthy"
    assert data["influxdb_health"]["response_time_ms"] > 0


def check_failed(execution: Execution, error: str, status: int) -> dict[str, Any]:
    """FAILED under this name, with the contract's shape as its cause; the cause's data."""
    assert (execution.status, execution.error) == ("FAILED", error)
    assert set(execution.response) == {"statusCode", "message", "timestamp", "data"}
    assert execution.response["statusCode"] == status
    data: dict[str, Any] = execution.response["data"]
    return data


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_dataset_loads_and_reads_back_equal(app: DeployedApp, tmp_path: Path, dataset: str) -> None:
    table = unique_records(tmp_path, dataset, 3000)
    execution = app.load(f"dataset={dataset}/year=2024/full.parquet", table)
    assert execution.status == "SUCCEEDED", execution.response
    check_contract(execution.response, dataset=dataset, rows=3000, points=3000, batches=1)
    comparison = app.compare(tmp_path, dataset, table)
    assert comparison.equal, comparison.differences


def test_one_changed_value_in_the_database_is_noticed(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "transmission", 40)
    app.load("dataset=transmission/tampered.parquet", table)
    assert app.compare(tmp_path, "transmission", table).equal
    row = table.slice(7, 1).to_pylist()[0]
    tags = ",".join(
        f"{tag}={row[tag]}".replace(" ", r"\ ") for tag in ("line_id", "measurement_type", "quality_flag", "region")
    )
    influx, time_ns = app.cloud.influx, int(row["timestamp"].timestamp()) * 10**9
    requests.post(
        f"{influx.url}/api/v2/write",
        params={"org": influx.org, "bucket": influx.bucket, "precision": "ns"},
        headers={"Authorization": f"Token {influx.token}"},
        data=f"transmission_data,{tags} voltage_kv={row['voltage_kv'] + 1e-9} {time_ns}",
        timeout=10,
    ).raise_for_status()
    comparison = app.compare(tmp_path, "transmission", table)
    assert (comparison.equal, comparison.differing_points, comparison.read_back) == (False, 1, 40)


def test_all_three_shapes_of_input_load_the_same_object(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "generation", 60)
    by_event = app.load(ODD_KEY, table)
    encoded = quote_plus(ODD_KEY, safe="/")
    records = [{"s3": {"bucket": {"name": app.source_bucket}, "object": {"key": encoded}}}]
    by_notification, by_name = app.run({"Records": records, "force": True}), app.run(app.reload_event(ODD_KEY))
    for execution in (by_event, by_notification, by_name):
        check_contract(execution.response, dataset="generation", rows=60, points=60, batches=1)
        assert execution.response["data"]["load_id"] == by_event.response["data"]["load_id"]
    assert app.compare(tmp_path, "generation", table).equal


def test_a_file_without_rows_loads_with_no_points(app: DeployedApp, tmp_path: Path) -> None:
    execution = app.load("dataset=consumption/none.parquet", unique_records(tmp_path, "consumption", 5).slice(0, 0))
    check_contract(execution.response, dataset="consumption", rows=0, points=0, batches=0)


def test_fifteen_hundred_rows_are_two_batches_of_a_thousand(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "generation", 1500)
    app.load("dataset=generation/1500.parquet", table)
    with app.configured(MAX_BATCH_SIZE="1000"):
        execution = app.run(app.reload_event("dataset=generation/1500.parquet"))
    check_contract(execution.response, dataset="generation", rows=1500, points=1500, batches=2)


def test_the_same_file_twice_changes_nothing(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "consumption", 500)
    first = app.load("dataset=consumption/twice.parquet", table)
    before = app.compare(tmp_path, "consumption", table)
    second = app.run(app.reload_event("dataset=consumption/twice.parquet"))
    after = app.compare(tmp_path, "consumption", table)
    assert first.response["data"]["load_id"] == second.response["data"]["load_id"]
    assert before == after
    assert after.equal


def test_an_unknown_dataset_is_a_400(app: DeployedApp, tmp_path: Path) -> None:
    execution = app.load("dataset=weather/a.parquet", unique_records(tmp_path, "generation", 5))
    check_failed(execution, "UnknownDatasetError", 400)
    assert "generation, consumption, transmission" in execution.response["message"]


def test_missing_columns_are_a_400_that_lists_all_of_them(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "generation", 5).drop_columns(["region", "timestamp"])
    execution = app.load("dataset=generation/columns.parquet", table)
    check_failed(execution, "SchemaMismatchError", 400)
    assert "region" in execution.response["message"]
    assert "timestamp" in execution.response["message"]


def test_the_page_of_a_failed_load_quotes_the_runbook(app: DeployedApp) -> None:
    data = check_failed(app.load("dataset=generation/broken.parquet", b"PAR1" + bytes(100)), "CorruptParquetError", 400)
    bucket, _, key = data["report_page"].removeprefix("s3://").partition("/")
    page = app.cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert "The producer must write the file again." in page
    assert "/dataset=generation/broken.parquet" in page


def test_an_absent_object_is_a_400(app: DeployedApp) -> None:
    execution = app.run(app.reload_event("dataset=generation/absent.parquet"))
    data = check_failed(execution, "SourceNotFoundError", 400)
    assert data["key"] == "dataset=generation/absent.parquet"
    assert app.failed_calls(execution) == 1


def test_a_stopped_influxdb_is_retried_and_then_a_503_with_nothing_staged(app: DeployedApp, tmp_path: Path) -> None:
    influxdb = app.influxdb
    app.load("dataset=generation/stopped.parquet", unique_records(tmp_path, "generation", 20))
    influxdb.stop_gateway()
    try:
        execution = app.run(app.reload_event("dataset=generation/stopped.parquet"))
    finally:
        influxdb.start_gateway()
    check_failed(execution, "InfluxUnavailableError", 503)
    assert app.failed_calls(execution) > 1
    assert [key for key in app.work_keys("staging/") if execution.arn.rsplit(":", 1)[1] in key] == []


def test_a_wrong_token_is_a_500_that_is_not_retried(app: DeployedApp, tmp_path: Path) -> None:
    app.load("dataset=generation/any.parquet", unique_records(tmp_path, "generation", 5))
    secrets, name = app.cloud.client("secretsmanager"), app.outputs["TokenSecretName"]
    secrets.put_secret_value(SecretId=name, SecretString="not-the-token")
    try:
        with app.configured(FRESH="1"):
            execution = app.run(app.reload_event("dataset=generation/any.parquet"))
    finally:
        secrets.put_secret_value(SecretId=name, SecretString=app.cloud.influx.token)
    check_failed(execution, "InfluxUnauthorizedError", 500)
    assert app.failed_calls(execution) == 1
    assert "not-the-token" not in json.dumps(app.history(execution), default=str)


def some_invalid(tmp_path: Path) -> pa.Table:
    """Ten records, of which the third has no region."""
    table = unique_records(tmp_path, "generation", 10)
    region = table["region"].to_pylist()
    region[2] = None
    return table.set_column(table.column_names.index("region"), "region", pa.array(region))


def test_invalid_records_are_set_aside_and_the_rest_loads(app: DeployedApp, tmp_path: Path) -> None:
    execution = app.load("dataset=generation/invalid.parquet", some_invalid(tmp_path))
    check_contract(execution.response, dataset="generation", rows=10, points=9, batches=1)
    assert sum(execution.response["data"]["conversion_stats"]["set_aside_rows"].values()) == 1
    (quarantined,) = app.work_keys(f"quarantine/generation/{execution.response['data']['load_id']}/")
    assert quarantined.endswith("/rows-0000.parquet")


def test_invalid_records_fail_the_load_where_they_may_not_be_dropped(app: DeployedApp, tmp_path: Path) -> None:
    app.load("dataset=generation/strict.parquet", some_invalid(tmp_path))
    with app.configured(DROP_INVALID_RECORDS="false"):
        execution = app.run(app.reload_event("dataset=generation/strict.parquet"))
    data = check_failed(execution, "InvalidRecordsError", 400)
    assert (data["points_written"], data["batches_processed"]) == (0, 0)
    assert "region" in execution.response["message"]


def test_without_validation_a_missing_required_column_does_not_matter(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "transmission", 20).drop_columns(["measurement_type"])
    key = "dataset=transmission/unvalidated.parquet"
    check_failed(app.load(key, table), "SchemaMismatchError", 400)
    with app.configured(ENABLE_VALIDATION="false"):
        execution = app.run(app.reload_event(key))
    check_contract(execution.response, dataset="transmission", rows=20, points=20, batches=1)


def test_the_seven_metrics_are_logged_once_per_file(app: DeployedApp, tmp_path: Path) -> None:
    execution = app.load("dataset=generation/metrics.parquet", unique_records(tmp_path, "generation", 100))
    (line,) = app.metrics(execution)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "ONS/InfluxDB"
    assert {metric["Name"] for metric in directive["Metrics"]} == METRICS
    assert (line["PointsWritten"], line["BatchesProcessed"], line["ProcessingErrors"]) == ([100.0], [1.0], [0.0])
    assert (line["ConversionRate"], line["SuccessRate"], line["FailedBatches"]) == ([1.0], [1.0], [0.0])


def test_a_failure_is_counted_in_the_same_metrics(app: DeployedApp) -> None:
    execution = app.run(app.reload_event("dataset=generation/no-such.parquet"))
    line, by_error = app.metrics(execution)
    assert {metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == METRICS
    assert (line["PointsWritten"], line["ProcessingErrors"]) == ([0.0], [1.0])
    assert (by_error["error"], by_error["ProcessingErrors"]) == ("SourceNotFoundError", [1.0])


def test_a_file_of_which_every_row_is_set_aside_is_a_400(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "generation", 5)
    nothing = pa.nulls(5, pa.string())
    table = table.set_column(table.column_names.index("region"), "region", nothing)
    execution = app.load("dataset=generation/all-invalid.parquet", table)
    data = check_failed(execution, "NoValidRecordsError", 400)
    assert (data["points_written"], data["conversion_stats"]["set_aside_rows"]) == (0, {"missing_tag": 5})
