"""`loader verify` finds what somebody changed or removed in the database, and says where."""

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import requests

from local.influxdb.engine_client import EngineClient
from tests.support.commands import run_loader
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.random_files import random_file

ROWS = 2000


@pytest.fixture
def table(app: DeployedApp, tmp_path: Path) -> pa.Table:
    return unique_records(tmp_path, "transmission", ROWS)


@pytest.fixture
def load(app: DeployedApp, table: pa.Table, tmp_path: Path) -> str:
    """The id of a load that verifies."""
    data = app.load(f"dataset=transmission/{tmp_path.name}.parquet", table).response["data"]
    assert (run_loader(app, "verify", data["load_id"]).status, data["points_written"]) == (0, ROWS)
    return str(data["load_id"])


def differing(app: DeployedApp, load: str) -> list[dict[str, Any]]:
    result = run_loader(app, "verify", load, "--json")
    windows: list[dict[str, Any]] = [window for window in result.json if not window["equal"]]
    assert result.status == bool(windows)
    return windows


def identity(row: dict[str, Any]) -> tuple[str, int]:
    """Tags as line protocol has them, and time in ns."""
    names = ("line_id", "measurement_type", "quality_flag", "region")
    return ",".join(f"{name}={row[name]}".replace(" ", r"\ ") for name in names), time_ns(row["timestamp"])


def time_ns(time: datetime) -> int:
    return int(time.timestamp()) * 10**9


def remove(app: DeployedApp, row: dict[str, Any]) -> int:
    """Its point, from the database; the point's time."""
    time, line = time_ns(row["timestamp"]), row["line_id"]
    with closing(EngineClient(app.influxdb.engine.port)) as engine:
        engine.query(
            f"DELETE FROM transmission_data WHERE line_id = '{line}' AND time = {time}",  # noqa: S608
            database=app.cloud.influx.bucket,
        )
    return time


def test_a_changed_value_is_found_in_its_window(app: DeployedApp, load: str, table: pa.Table) -> None:
    row = table.slice(777, 1).to_pylist()[0]
    (tags, time), influx = identity(row), app.cloud.influx
    requests.post(
        f"{influx.url}/api/v2/write",
        params={"org": influx.org, "bucket": influx.bucket, "precision": "ns"},
        headers={"Authorization": f"Token {influx.token}"},
        data=f"transmission_data,{tags} voltage_kv={row['voltage_kv'] + 1e-9} {time}",
        timeout=10,
    ).raise_for_status()
    (window,) = differing(app, load)
    assert window["first_ns"] <= time < window["end_ns"]
    assert (window["changed"], window["missing"], window["found"]) == (1, 0, window["sent"])
    assert window["sent_hash"] != window["found_hash"]
    assert f"voltage_kv at {time}: {row['voltage_kv']!r} was sent" in window["differences"][0]


def test_a_removed_point_is_found_in_its_window(app: DeployedApp, load: str, table: pa.Table) -> None:
    row = table.slice(1234, 1).to_pylist()[0]
    time = remove(app, row)
    (window,) = differing(app, load)
    assert window["first_ns"] <= time < window["end_ns"]
    assert (window["changed"], window["missing"], window["sent"] - window["found"]) == (0, 3, 3)
    assert window["differences"][0].endswith("is missing")
    result = run_loader(app, "verify", load)
    assert (result.status, "differs" in result.out) == (1, True)


def test_what_differs_is_repaired_by_the_command_that_is_printed(
    app: DeployedApp, load: str, table: pa.Table, tmp_path: Path
) -> None:
    remove(app, table.slice(500, 1).to_pylist()[0])
    address = f"s3://{app.source_bucket}/dataset=transmission/{tmp_path.name}.parquet"
    assert f"`loader load {address} --force`" in run_loader(app, "verify", load).out
    assert "To load it again, run" in run_loader(app, "load", address).out
    assert run_loader(app, "load", address, "--force").status == 0
    assert differing(app, load) == []


def test_what_another_load_wrote_into_the_same_time_is_left_alone(
    app: DeployedApp, load: str, table: pa.Table, tmp_path: Path
) -> None:
    other = table.set_column(1, "region", pa.array(["XX"] * ROWS))
    app.load(f"dataset=transmission/{tmp_path.name}-other.parquet", other)
    assert differing(app, load) == []


def test_a_load_whose_staging_has_expired_is_converted_anew(app: DeployedApp, load: str) -> None:
    expire(app, load)
    assert differing(app, load) == []
    with app.configured(MAX_BATCH_SIZE="999"):
        result = run_loader(app, "verify", load)
    assert (result.status, "converts to other lines" in result.err) == (2, True)


def expire(app: DeployedApp, load: str) -> None:
    chunks = [key for key in app.work_keys(f"staging/{load}/") if "/chunks/" in key]
    assert chunks
    for key in chunks:
        app.cloud.client("s3").delete_object(Bucket=app.outputs["WorkBucketName"], Key=key)


@pytest.mark.parametrize("seed", [104, 107])
def test_files_with_every_kind_of_row_verify(app: DeployedApp, seed: int) -> None:
    file = random_file(seed)
    execution = app.load(file.key, file.table)
    assert execution.response["data"]["points_written"] > 500
    assert differing(app, execution.response["data"]["load_id"]) == []
