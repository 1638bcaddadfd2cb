"""Backfills on the deployed app: every file under a prefix, each once, whatever comes between."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cli.deployed.executions import Execution
from local.influxdb.engine_client import EngineClient
from tests.support.builders import parquet
from tests.support.commands import run_loader
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.ledger import check_ledger, ledger_items, statuses

FILES = 200
FEW = 24
ROWS_EACH = 5


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """The prefix of the files, which no other test uses."""
    return f"dataset=generation/{tmp_path.name}/"


@pytest.fixture(autouse=True)
def no_events(app: DeployedApp) -> Iterator[None]:
    """Without the bucket's events: only backfills start loads."""
    with app.without_events():
        yield


def put_files(app: DeployedApp, folder: Path, prefix: str, count: int) -> dict[str, pa.Table]:
    """Put small files that have no point in common, and return their tables by key."""
    table = unique_records(folder, "generation", count * ROWS_EACH)
    files = {f"{prefix}{n:03}.parquet": table.slice(n * ROWS_EACH, ROWS_EACH) for n in range(count)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: app.put(*item), files.items()))
    return files


def backfill(app: DeployedApp, prefix: str, **more: Any) -> str:
    """Start a backfill, and return the ARN of its execution."""
    event = {"bucket": app.source_bucket, "prefix": prefix, **more}
    sfn = app.cloud.client("stepfunctions")
    return str(sfn.start_execution(stateMachineArn=app.outputs["BackfillArn"], input=json.dumps(event))["executionArn"])


def loads(app: DeployedApp, prefix: str) -> int:
    """Count the loads of files under the prefix."""
    sfn, machine = app.cloud.client("stepfunctions"), app.outputs["StateMachineArn"]
    pages = sfn.get_paginator("list_executions").paginate(stateMachineArn=machine)
    arns = [execution["executionArn"] for page in pages for execution in page["executions"]]
    inputs = (json.loads(sfn.describe_execution(executionArn=arn)["input"]) for arn in arns)
    return sum(str(event.get("key", "")).startswith(prefix) for event in inputs)


def named(ended: Execution) -> dict[str, str]:
    """Files that the answer says are not loaded, with the error."""
    return {file["key"]: file["error"] for file in ended.response["data"]["not_loaded"]}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_files_one_of_them_broken(app: DeployedApp, tmp_path: Path, prefix: str) -> None:
    files = put_files(app, tmp_path, prefix, FILES)
    broken = f"{prefix}broken.parquet"
    app.put(broken, parquet(files[f"{prefix}000.parquet"])[:-100])
    first = app.wait_for_end(backfill(app, prefix), within_s=900)
    assert first.response["message"] == f"{FILES} of {FILES + 1} files are loaded: data.not_loaded names the other one"
    assert named(first) == {broken: "CorruptParquetError"}
    check_ledger(app, tmp_path, prefix, files)
    started = loads(app, prefix)
    assert started == FILES + 1
    second = app.wait_for_end(backfill(app, prefix), within_s=900)
    assert named(second) == {broken: "CorruptParquetError"}
    assert loads(app, prefix) == started + 1  # the broken one
    check_ledger(app, tmp_path, prefix, files)


def test_a_second_run_starts_no_load(app: DeployedApp, tmp_path: Path, prefix: str) -> None:
    files = put_files(app, tmp_path, prefix, 4)
    for name in ("_SUCCESS", "_temporary/0/a.parquet", "notes.csv"):
        app.put(f"{prefix}{name}", b"")
    first = app.wait_for_end(backfill(app, prefix))
    assert first.response["message"] == "All 4 files are loaded"
    assert first.response["data"]["skipped_objects"] == {"hidden": 2, "suffix": 1}
    assert loads(app, prefix) == 4
    check_ledger(app, tmp_path, prefix, files)
    assert app.wait_for_end(backfill(app, prefix)).response["message"] == "All 4 files are loaded"
    assert loads(app, prefix) == 4
    files[f"{prefix}003.parquet"] = unique_records(tmp_path, "generation", ROWS_EACH)
    app.put(f"{prefix}003.parquet", files[f"{prefix}003.parquet"])
    assert app.wait_for_end(backfill(app, prefix)).response["message"] == "All 4 files are loaded"
    assert loads(app, prefix) == 5


def test_a_manifest_loads_only_its_files(app: DeployedApp, tmp_path: Path, prefix: str) -> None:
    files = put_files(app, tmp_path, prefix, 3)
    app.put(f"{prefix}_delta_log/00.json", b"{}")
    current = [*files][:2]
    manifest = tmp_path / "files.txt"
    manifest.write_text("\n".join([*(f"s3://{app.source_bucket}/{key}" for key in current), f"{prefix}absent.parquet"]))
    result = run_loader(app, "backfill", "--manifest", str(manifest), "--json")
    assert (result.status, result.json["data"]["loaded_files"], result.json["data"]["files"]) == (1, 2, 3)
    assert [(file["key"], file["status"]) for file in result.json["data"]["not_loaded"]] == [
        (f"{prefix}absent.parquet", "absent")
    ]
    assert loads(app, prefix) == 2
    check_ledger(app, tmp_path, prefix, {key: files[key] for key in current})
    assert app.wait_for_end(backfill(app, prefix)).response["data"]["tables"] == [prefix]


def test_more_failures_than_tolerated_end_the_backfill(app: DeployedApp, tmp_path: Path, prefix: str) -> None:
    keys = [f"{prefix}{n}.parquet" for n in range(4)]
    for key in keys:
        app.put(key, b"not Parquet")
    ended = app.wait_for_end(backfill(app, prefix, tolerated_failure_percentage=20))
    assert (ended.status, ended.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    assert named(ended)[keys[0]] == "CorruptParquetError"
    assert named(ended).keys() == set(keys)


@pytest.mark.slow
def test_an_interrupted_run_resumes(app: DeployedApp, tmp_path: Path, prefix: str) -> None:
    files = put_files(app, tmp_path, prefix, FEW)
    interrupted = backfill(app, prefix, max_concurrency=2)
    while "loaded" not in statuses(app, prefix):
        time.sleep(0.1)
    app.cloud.client("stepfunctions").stop_execution(executionArn=interrupted)
    while "claimed" in statuses(app, prefix):
        time.sleep(0.1)
    before = {item["object"]: item["execution"] for item in ledger_items(app, prefix)}
    assert 0 < len(before) < FEW
    resumed = app.wait_for_end(backfill(app, prefix))
    assert resumed.response["message"] == f"All {FEW} files are loaded"
    after = {item["object"]: item["execution"] for item in ledger_items(app, prefix)}
    assert before.items() <= after.items()
    check_ledger(app, tmp_path, prefix, files)


@pytest.mark.slow
def test_four_backfills_of_overlapping_prefixes_lose_nothing(app: DeployedApp, tmp_path: Path, prefix: str) -> None:
    files = put_files(app, tmp_path, prefix, FEW)
    prefixes = [prefix, prefix, f"{prefix}00", f"{prefix}01"]
    arns = [backfill(app, each) for each in prefixes]
    assert [app.wait_for_end(arn).status for arn in arns] == ["SUCCEEDED"] * 4
    assert statuses(app, prefix) == ["loaded"] * FEW
    check_ledger(app, tmp_path, prefix, files)


def count_points(app: DeployedApp, bucket: str) -> int:
    """Return the number of points of the dataset generation in an InfluxDB bucket."""
    with closing(EngineClient(app.influxdb.engine.port)) as engine:
        series = engine.query("SELECT count(power_mw) FROM generation_data", database=bucket)
    return sum(row[1] for each in series for row in each["values"])


@pytest.mark.slow
def test_files_are_loaded_again_when_their_bucket_was_replaced(app: DeployedApp, tmp_path: Path, prefix: str) -> None:
    bucket, engine = f"replaced-{tmp_path.name}", app.influxdb.engine
    engine.create_bucket(bucket)
    put_files(app, tmp_path, prefix, 3)
    with app.configured(INFLUXDB_BUCKET=bucket):
        first = app.wait_for_end(backfill(app, prefix))
        assert (first.response["message"], count_points(app, bucket)) == ("All 3 files are loaded", 3 * ROWS_EACH)
        engine.delete_bucket(bucket)
        without_bucket = app.wait_for_end(backfill(app, prefix))
        assert (without_bucket.status, without_bucket.error) == ("FAILED", "BucketNotFoundError")
        engine.create_bucket(bucket)
        assert [load["bucket"] for load in run_loader(app, "history", prefix, "--json").json] == ["replaced"] * 3
        second = app.wait_for_end(backfill(app, prefix))
        assert second.response["message"] == "All 3 files are loaded, 3 of them again because their bucket was replaced"
        assert (count_points(app, bucket), loads(app, prefix)) == (3 * ROWS_EACH, 6)
        third = run_loader(app, "backfill", prefix, "--json")
        assert (third.status, third.json["message"], loads(app, prefix)) == (0, "All 3 files are loaded", 6)
        forced = run_loader(app, "backfill", prefix, "--force", "--json")
        assert (forced.status, forced.json["message"], loads(app, prefix)) == (0, "All 3 files are loaded", 9)
        assert [load["bucket"] for load in run_loader(app, "history", prefix, "--json").json] == ["current"] * 3


def test_a_bucket_that_may_not_be_listed_is_an_error_with_a_name(app: DeployedApp, prefix: str) -> None:
    event = {"bucket": "there-is-no-such-bucket", "prefix": prefix}
    sfn = app.cloud.client("stepfunctions")
    arn = sfn.start_execution(stateMachineArn=app.outputs["BackfillArn"], input=json.dumps(event))["executionArn"]
    ended = app.wait_for_end(arn)
    assert (ended.status, ended.error) == ("FAILED", "SourceNotFoundError")
