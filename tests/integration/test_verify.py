"""`loader verify` finds what somebody changed or removed in the database, and says where."""

import time as clock
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import requests

from cli import query_replies, stored_points
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
    windows: list[dict[str, Any]] = [window for window in result.json["windows"] if not window["equal"]]
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


@pytest.mark.parametrize("seed", [104, pytest.param(107, marks=pytest.mark.slow)])
def test_files_with_every_kind_of_row_verify(app: DeployedApp, seed: int) -> None:
    file = random_file(seed)
    execution = app.load(file.key, file.table)
    assert execution.response["data"]["points_written"] > 500
    assert differing(app, execution.response["data"]["load_id"]) == []


def write(app: DeployedApp, lines: list[str]) -> None:
    """Points of somebody else, straight into the engine."""
    with closing(EngineClient(app.influxdb.engine.port)) as engine:
        for first in range(0, len(lines), 10_000):
            body = "\n".join(lines[first : first + 10_000]).encode()
            engine.write(body, database=app.cloud.influx.bucket, precision="n")


@contextmanager
def counted_replies(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The number of rows of each reply that the command reads."""
    counts: list[int] = []

    def csv_rows(*arguments: Any) -> query_replies.Rows:
        rows = query_replies.csv_rows(*arguments)
        counts.append(len(rows.times))
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(stored_points, "csv_rows", csv_rows)
        yield counts


@pytest.mark.parametrize("others", ["a series with another value", "series with another tag", "the same series"])
def test_what_others_write_to_the_same_hours_costs_next_to_nothing(
    app: DeployedApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    table = unique_records(tmp_path, "transmission", 200)
    data = app.load(f"dataset=transmission/{tmp_path.name}-crowd.parquet", table).response["data"]
    row = table.slice(100, 1).to_pylist()[0]
    tags, _ = identity(row)
    first, last = (time_ns(time) for time in (table["timestamp"][0].as_py(), table["timestamp"][-1].as_py()))
    if others == "a series with another value":
        names = [tags.replace("region=", f"region=crowd{n}") for n in range(20)]
    elif others == "series with another tag":
        names = [tags.replace(",measurement_type", f",line_type=crowd{n},measurement_type") for n in range(20)]
    else:
        names = [tags]
    times = range(first + 1, last, (last - first) * len(names) // 200_000)
    write(app, [f"transmission_data,{name} flow_mw=1 {time}" for name in names for time in times])
    with counted_replies(monkeypatch) as counts:
        started = clock.monotonic()
        assert differing(app, data["load_id"]) == []
        seconds = clock.monotonic() - started
    assert sum(counts) < 40_000, counts
    assert max(counts) <= 2 * 200 + stored_points.SPARE_ROWS
    assert seconds < 20


def test_a_series_with_more_tags_is_not_taken_for_the_sent_one(app: DeployedApp, load: str, table: pa.Table) -> None:
    row = table.slice(321, 1).to_pylist()[0]
    remove(app, row)
    tags, time = identity(row)
    write(app, [f"transmission_data,host=other,{tags} flow_mw={row['flow_mw']} {time}"])
    (window,) = differing(app, load)
    assert window["missing"] == 3


def test_files_at_both_ends_of_plausible_time_verify(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "transmission", 4)
    years = [(1990, 1, 1), (1990, 1, 2), (2033, 12, 30), (2033, 12, 31)]
    times = pa.array([datetime(*year, tzinfo=UTC) for year in years], pa.timestamp("us", "UTC"))
    data = app.load(f"dataset=transmission/{tmp_path.name}-ends.parquet", table.set_column(0, "timestamp", times))
    load_id = data.response["data"]["load_id"]
    assert differing(app, load_id) == []
    assert run_loader(app, "verify", load_id).status == 0


@contextmanager
def token_of_other_bucket(app: DeployedApp) -> Iterator[None]:
    """The loader's functions, and so the command, have a token that may not read the bucket."""
    influx = app.cloud.influx
    reply = requests.post(
        f"{influx.url}/api/v2/authorizations",
        headers={"Authorization": f"Token {influx.token}"},
        json={"orgID": "", "permissions": [{"action": "write", "resource": {"type": "buckets"}}]},
        timeout=10,
    )
    reply.raise_for_status()
    with app.configured(INFLUXDB_TOKEN=reply.json()["token"]):
        yield


def test_a_token_that_may_not_read_gives_no_verdict(app: DeployedApp, load: str) -> None:
    with token_of_other_bucket(app):
        for words in ([load], ["dataset=transmission/"]):
            result = run_loader(app, "verify", *words)
            assert (result.status, "missing" in result.out) == (2, False)
            assert f"database not found: {app.cloud.influx.bucket}" in result.err


def test_a_prefix_verifies_the_last_load_of_each_file(app: DeployedApp, table: pa.Table, tmp_path: Path) -> None:
    prefix = f"dataset=transmission/{tmp_path.name}-prefix/"
    for name, part in (("a", table.slice(0, 500)), ("b", table.slice(500, 500)), ("b", table.slice(500, 600))):
        app.load(f"{prefix}{name}.parquet", part)
    result = run_loader(app, "verify", prefix)
    assert (result.status, result.out.count("equal\t"), result.out.splitlines()[-1]) == (
        0,
        2,
        "2 files: 2 equal, 0 differing, 0 not verified",
    )
    remove(app, table.slice(700, 1).to_pylist()[0])
    result = run_loader(app, "verify", f"s3://{app.source_bucket}/{prefix}")
    equal, differs, total = result.out.splitlines()
    assert (result.status, equal[:5], differs[:7]) == (1, "equal", "differs")
    assert f"{prefix}b.parquet" in differs
    assert total == "2 files: 1 equal, 1 differing, 0 not verified"
    contents = run_loader(app, "verify", prefix, "--json").json
    assert [(content["verdict"], content.get("missing")) for content in contents] == [("equal", 0), ("differs", 3)]


def test_a_sample_compares_only_so_many_windows(app: DeployedApp, load: str, table: pa.Table) -> None:
    windows = run_loader(app, "verify", load, "--json").json["windows"]
    sample = run_loader(app, "verify", load, "--json", "--sample", "3").json["windows"]
    assert len(sample) == 3 < len(windows)
    assert all(window in windows for window in sample)
    assert f"in 3 of {len(windows)} windows" in run_loader(app, "verify", load, "--sample", "3").out
    remove(app, table.slice(700, 1).to_pylist()[0])
    assert run_loader(app, "verify", load, "--sample", "10000").status == 1


def test_at_most_twenty_differing_windows_are_listed(app: DeployedApp, load: str, table: pa.Table) -> None:
    windows = run_loader(app, "verify", load, "--json").json["windows"]
    line = table["line_id"][0].as_py()
    with closing(EngineClient(app.influxdb.engine.port)) as engine:
        first, end = windows[0]["first_ns"], windows[-1]["end_ns"]
        engine.query(
            f"DELETE FROM transmission_data WHERE line_id = '{line}' AND time >= {first} AND time < {end}",  # noqa: S608
            database=app.cloud.influx.bucket,
        )
    differ = len(differing(app, load))
    assert differ > 21
    result = run_loader(app, "verify", load)
    rows = [text for text in result.out.splitlines() if text[:2] == "20"]
    assert len(rows) == 20
    assert f"{differ - 20} more windows have differences" in result.out
