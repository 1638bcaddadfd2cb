"""Points that InfluxDB refuses, 5,000 to a batch: each is found and set aside, all others are written."""

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from math import ceil, log2
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.deployed.executions import Execution
from local.influxdb.engine_client import EngineClient
from local.influxdb.server import BUCKET
from local.readback import compare
from shared.datasets import DATASETS
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.fault_proxy import Exchange, Fault, FaultProxy, pass_on, response
from tests.support.faults import limit_body_size, reject_bodies_with
from tests.support.ledger import only_item
from tests.support.trial import writes_through_proxy

ROWS = 5000
FEW, MANY = [0, 1, 7, 50], 101


@pytest.fixture(scope="module")
def proxy(app: DeployedApp) -> Iterator[FaultProxy]:
    with writes_through_proxy(app, MAX_BATCH_SIZE=str(ROWS)) as running:
        yield running


def spread(count: int, rows: int = ROWS) -> list[int]:
    """Return `count` row numbers that are spread over the file."""
    return sorted((997 * number + 13) % rows for number in range(count))


def marked(table: pa.Table, rows: list[int], flag: str = "refused") -> pa.Table:
    """Return the table with this quality flag in these rows."""
    flags = table["quality_flag"].to_pylist()
    for row in rows:
        flags[row] = flag
    return table.set_column(table.column_names.index("quality_flag"), "quality_flag", pa.array(flags))


def without(table: pa.Table, rows: list[int]) -> pa.Table:
    return table.take(sorted(set(range(table.num_rows)) - set(rows)))


def quarantined(app: DeployedApp, execution: Execution) -> list[dict[str, Any]]:
    data, name = execution.response["data"], execution.arn.rsplit(":", 1)[1]
    s3, work = app.cloud.client("s3"), app.outputs["WorkBucketName"]
    (key,) = app.work_keys(f"quarantine/generation/{data['load_id']}/{name}/points-") or [""]
    content = s3.get_object(Bucket=work, Key=key)["Body"].read() if key else gzip.compress(b"")
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def check_isolated(app: DeployedApp, folder: Path, execution: Execution, table: pa.Table, rows: list[int]) -> None:
    """All but `rows` are written, those are quarantined, and every row is counted once."""
    assert execution.status == "SUCCEEDED", execution.response
    data = execution.response["data"]
    assert data["points_written"] == ROWS - len(rows)
    assert data["conversion_stats"]["input_rows"] == data["conversion_stats"]["output_points"] == ROWS
    assert data["conversion_stats"]["refused_points"] == len(rows)
    assert data["points"] == {
        "stored": ROWS - len(rows),
        "rejected": len(rows),
        "superseded": 0,
        "not_sent": 0,
        "unknown": 0,
    }
    assert data["verdict"] == ("partly loaded" if rows else "loaded")
    points = quarantined(app, execution)
    assert [point["source_row"] for point in points] == rows
    compared = app.compare(folder, "generation", without(table, rows))
    assert compared.equal, compared.differences


def most_requests(bad: int) -> int:
    return 2 * bad * ceil(log2(ROWS)) + 1


@pytest.mark.parametrize("bad", [pytest.param(bad, marks=[] if bad == 7 else pytest.mark.slow) for bad in FEW])
def test_where_400_writes_nothing_each_rejected_line_is_found(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, bad: int
) -> None:
    rows = spread(bad)
    table = marked(unique_records(tmp_path, "generation", ROWS), rows)
    proxy.set_faults(always=reject_bodies_with(b"quality_flag=refused"))
    execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", table)
    requests = len(proxy.exchanges)
    assert requests <= most_requests(bad)
    check_isolated(app, tmp_path, execution, table, rows)
    written = [gzip.decompress(exchange.body) for exchange in proxy.exchanges if exchange.upstream_status]
    lines = sum(
        len(body.removesuffix(b"\n").split(b"\n")) for body in written if body
    )  # CheckHealth writes an empty one
    assert lines == ROWS - bad
    replayed = app.run(app.reload_event(execution.key))
    assert len(proxy.exchanges) == 2 * requests
    check_isolated(app, tmp_path, replayed, table, rows)


@pytest.mark.parametrize("bad", [pytest.param(bad, marks=[] if bad == 7 else pytest.mark.slow) for bad in FEW])
def test_where_422_writes_the_rest_each_rejected_line_is_found(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path, bad: int
) -> None:
    rows = spread(bad)
    table = only_here(unique_records(tmp_path, "generation", ROWS), "efficiency", rows)
    take_as_integer(app, "efficiency", [table["timestamp"][row].as_py() for row in rows])
    proxy.set_faults()
    execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", table)
    assert len(proxy.exchanges) <= most_requests(bad)
    assert {exchange.upstream_status for exchange in proxy.exchanges} == {422, 204} if bad else {204}
    check_isolated(app, tmp_path, execution, table, rows)
    assert all("field type conflict" in point["message"] for point in quarantined(app, execution))
    check_isolated(app, tmp_path, app.run(app.reload_event(execution.key)), table, rows)


def only_here(table: pa.Table, field: str, rows: list[int]) -> pa.Table:
    """The field is null in all other rows."""
    values = [value if row in set(rows) else None for row, value in enumerate(table[field].to_pylist())]
    return table.set_column(table.column_names.index(field), field, pa.array(values, pa.float64()))


def take_as_integer(app: DeployedApp, field: str, times: list[datetime]) -> None:
    """Make the field an integer around these times, so that our floats conflict with it, and leave no point behind."""
    lines = [f"generation_data,region=other {field}=1i {int(time.timestamp())}000000000" for time in times]
    with closing(EngineClient(app.influxdb.engine.port)) as client:
        if lines:
            client.write("\n".join(lines).encode(), database=BUCKET, precision="n")
            client.query("DROP SERIES FROM generation_data WHERE region = 'other'", database=BUCKET)


def test_a_line_that_is_too_large_even_alone_is_set_aside(app: DeployedApp, proxy: FaultProxy, tmp_path: Path) -> None:
    table, rows = unique_records(tmp_path, "generation", ROWS), [1234]
    table = marked(table, rows, "x" * 60_000)
    proxy.set_faults(always=limit_body_size(50_000))
    execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", table)
    check_isolated(app, tmp_path, execution, table, rows)
    [point] = quarantined(app, execution)
    assert point["status"] == 413
    assert "points batch is too large" in point["message"]
    alone = [exchange for exchange in proxy.exchanges if b"\n" not in gzip.decompress(exchange.body)]
    assert [exchange.upstream_status for exchange in alone].count(0) == 1
    assert len(proxy.exchanges) < 100


def test_where_500_takes_the_place_of_422_each_such_line_is_isolated(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path
) -> None:
    """InfluxDB 2.7.12 answers like this while it cannot write to its own bucket `_monitoring`."""
    rows = [13, 997]
    table = marked(unique_records(tmp_path, "generation", ROWS), rows)
    error = b'{"code": "internal error", "message": "unexpected error writing points to database: timeout"}'
    proxy.set_faults(always=reject_bodies_with(b"quality_flag=refused", 500, error))
    with app.configured(MAX_RETRIES="0"):
        execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", table)
    assert execution.status == "SUCCEEDED", execution.response
    assert app.failed_calls(execution) == 2  # only the third invocation bisects
    points = execution.response["data"]["points"]
    assert points == {"stored": ROWS - len(rows), "rejected": 0, "superseded": 0, "not_sent": 0, "unknown": len(rows)}
    assert [(point["source_row"], point["status"]) for point in quarantined(app, execution)] == [(13, 500), (997, 500)]
    comparison = app.compare(tmp_path, "generation", without(table, rows))
    assert comparison.equal, comparison.differences


def test_more_than_a_hundred_rejected_points_fail_the_load(app: DeployedApp, proxy: FaultProxy, tmp_path: Path) -> None:
    table = marked(unique_records(tmp_path, "generation", ROWS), spread(MANY))
    proxy.set_faults(always=reject_bodies_with(b"quality_flag=refused"))
    execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", table)
    assert (execution.error, execution.response["statusCode"]) == ("RefusedPointsError", 400)
    assert f"rejected {MANY} of {ROWS} points" in execution.response["message"]
    assert execution.response["data"]["points"] == {
        "stored": ROWS - MANY,
        "rejected": MANY,
        "superseded": 0,
        "not_sent": 0,
        "unknown": 0,
    }
    assert app.compare(tmp_path, "generation", without(table, spread(MANY))).equal
    assert len(proxy.exchanges) <= most_requests(MANY)
    assert app.failed_calls(execution) == 1
    proxy.set_faults()
    check_isolated(app, tmp_path, app.run(app.reload_event(execution.key)), table, [])


def test_a_file_of_which_every_point_is_rejected_fails_and_its_ledger_item_counts_them(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path
) -> None:
    table = unique_records(tmp_path, "generation", 20)
    table = only_here(table, "efficiency", list(range(20)))
    take_as_integer(app, "efficiency", [time.as_py() for time in table["timestamp"]])
    proxy.set_faults()
    key = f"dataset=generation/{tmp_path.name}.parquet"
    execution = app.load(key, table)
    assert (execution.error, execution.response["statusCode"]) == ("RefusedPointsError", 400)
    message = execution.response["message"]
    assert "InfluxDB rejected all points: field type conflict: " in message
    assert message.endswith("of 20 points 0 are stored, 20 were rejected")
    item = only_item(app, key)
    assert (item["status"], item["points_written"], item["points_rejected"]) == ("failed", 0, 20)
    assert app.compare(tmp_path, "generation", table).read_back == 0


def test_a_load_that_ends_early_counts_what_the_server_stored(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path
) -> None:
    table = unique_records(tmp_path, "generation", ROWS)
    proxy.set_faults(always=reject_once_then_fail(2))
    execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", table)
    assert execution.error == "BucketNotFoundError"
    points = execution.response["data"]["points"]
    assert sum(points.values()) == ROWS
    assert points["stored"] == app.compare(tmp_path, "generation", table).read_back > 0
    assert execution.response["data"]["points_written"] == points["stored"]


def reject_once_then_fail(requests: int) -> Fault:
    """Reject the first body, pass the next ones on, and answer 404 after this number of requests."""
    numbers = count(1)

    def respond(exchange: Exchange) -> None:
        exchange.read()
        number = next(numbers) if gzip.decompress(exchange.body) else 0  # CheckHealth writes an empty body
        if number != 1 and number <= requests:
            pass_on(exchange)
            return
        status, code = (400, "invalid") if number == 1 else (404, "not found")
        exchange.send(response(status, json.dumps({"code": code, "message": code}).encode()))

    return respond


@pytest.mark.slow
def test_where_nothing_may_be_dropped_rejected_points_fail_the_load_which_says_what_is_written(
    app: DeployedApp, proxy: FaultProxy, tmp_path: Path
) -> None:
    rows = spread(7)
    table = marked(unique_records(tmp_path, "generation", ROWS), rows)
    proxy.set_faults(always=reject_bodies_with(b"quality_flag=refused"))
    with app.configured(DROP_INVALID_RECORDS="false"):
        execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", table)
    assert (execution.error, execution.response["statusCode"]) == ("RefusedPointsError", 400)
    assert f"already written: {ROWS - 7} points of this chunk" in execution.response["message"]
    assert [point["source_row"] for point in quarantined(app, execution)] == rows
    assert app.compare(tmp_path, "generation", without(table, rows)).equal


def test_points_older_than_the_retention_of_the_bucket_are_found(app: DeployedApp, tmp_path: Path) -> None:
    app.influxdb.engine.create_bucket("one-hour", "1h")
    table, rows = unique_records(tmp_path, "generation", 100), spread(7, 100)
    now = datetime.now(UTC).replace(microsecond=0)
    times = [now - timedelta(days=9 if row in rows else 0, seconds=row) for row in range(100)]
    table = table.set_column(0, "timestamp", pa.array(times, pa.timestamp("us", "UTC")))
    with writes_through_proxy(app, INFLUXDB_BUCKET="one-hour") as direct:
        execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", table)
    assert 422 in {exchange.upstream_status for exchange in direct.exchanges}
    assert [point["source_row"] for point in quarantined(app, execution)] == rows
    pq.write_table(without(table, rows), tmp_path / "kept.parquet")
    influx = app.cloud.influx
    comparison = compare(
        tmp_path / "kept.parquet", DATASETS["generation"], url=influx.url, bucket="one-hour", token=influx.token
    )
    assert comparison.equal, comparison.differences


def test_old_points_that_travel_with_a_newer_one_of_their_shard_group_are_stored(
    app: DeployedApp, tmp_path: Path
) -> None:
    app.influxdb.engine.create_bucket("old-and-new", "1h")
    now = datetime.now(UTC).replace(microsecond=0)
    table = unique_records(tmp_path, "generation", 180)
    times = [now - timedelta(minutes=row, seconds=30) for row in range(180)]
    table = table.set_column(0, "timestamp", pa.array(times, pa.timestamp("us", "UTC")))
    with writes_through_proxy(app, INFLUXDB_BUCKET="old-and-new"):
        execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", table)
    points, influx = execution.response["data"]["points"], app.cloud.influx
    pq.write_table(table, tmp_path / "all.parquet")
    found = compare(
        tmp_path / "all.parquet", DATASETS["generation"], url=influx.url, bucket="old-and-new", token=influx.token
    )
    assert points["unknown"] == points["not_sent"] == 0
    assert points["stored"] == found.read_back >= 60
    (reason,) = app.report(execution.response["data"]["report"])["chunks"][0]["reasons"]
    assert reason["reason"] == "older than the bucket's retention period of 1h0m0s"
