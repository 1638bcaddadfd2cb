"""`loader` on the deployed app, as an operator calls it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.serve import how_to_deploy
from shared.settings import STACK_NAME
from tests.support.builders import parquet
from tests.support.commands import run_loader, start_loader
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.faults import reject_bodies_with
from tests.support.ledger import ledger_table, only_item
from tests.support.trial import writes_through_proxy


def bad_rows(folder: Path) -> pa.Table:
    """60 rows, three of which have no region."""
    table = unique_records(folder, "generation", 60)
    region = table["region"].to_pylist()
    region[10:13] = [None] * 3
    return table.set_column(table.column_names.index("region"), "region", pa.array(region))


def test_a_file_is_loaded_shown_and_explained(app: DeployedApp, tmp_path: Path) -> None:
    path = tmp_path / f"{tmp_path.name}.parquet"
    pq.write_table(bad_rows(tmp_path), path)
    loaded = run_loader(app, "load", str(path), "--dataset", "generation", "--json")
    assert loaded.status == 3, loaded.err  # partly loaded
    data = loaded.json["data"]
    assert (data["points_written"], data["conversion_stats"]["set_aside_rows"]) == (57, {"missing_tag": 3})

    page, export = tmp_path / "page.html", tmp_path / "rows.jsonl"
    shown = run_loader(app, "show", data["load_id"][:8], "--page", str(page))
    assert (shown.status, data["load_id"] in shown.out, "set aside: missing_tag" in shown.out) == (0, True, True)
    assert "region is empty" in page.read_text()
    assert run_loader(app, "show", data["load_id"], "--json").json["response"]["data"] == data

    (group,) = run_loader(app, "quarantine", data["load_id"], "--export", str(export), "--json").json
    assert (group["rule"], group["rows"]) == ("missing_tag", 3)
    rows = [json.loads(line) for line in export.read_text().splitlines()]
    assert [row["source_row"] for row in rows] == [10, 11, 12]


def test_a_load_that_fails_has_status_1_and_is_shown_by_its_execution(app: DeployedApp, tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"PAR1 and no more")
    failed = run_loader(app, "load", str(path), "--dataset", "generation")
    assert (failed.status, "CorruptParquetError" in failed.out) == (1, True)
    execution = next(line.split()[-1] for line in failed.out.splitlines() if line.startswith("execution"))
    assert "CorruptParquetError" in run_loader(app, "show", execution).out
    assert run_loader(app, "verify", execution).status == 2


def test_the_local_cloud_names_the_settings_with_which_it_was_deployed(app: DeployedApp) -> None:
    *command, setting = shlex.split(how_to_deploy(app.cloud))
    assert command == ["node_modules/.bin/cdk", "deploy", STACK_NAME, "-c"]
    name, _, path = setting.partition("=")
    settings = tomllib.loads(Path(path).read_text())
    assert (name, settings["influxdb_url"]) == ("settings_file", app.cloud.context["influxdb_url"])


def test_keys_are_completed_in_bash(app: DeployedApp) -> None:
    folder = "dataset=generation/completed/year=2024"
    app.put(f"{folder}/a.txt", b"x")
    parts = ["loader", "history", *re.split("(=)", f"{folder[:-2]}")]
    variables = {"_LOADER_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(parts), "COMP_CWORD": str(len(parts) - 1)}
    environment = {**os.environ, **app.cloud.environment, **variables}
    program = Path(sys.executable).with_name("loader")
    shown = subprocess.run([program], env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines() == ["2024/", "2024/a.txt"]


def test_the_doctor_finds_the_deployment_healthy(app: DeployedApp) -> None:
    """Only the alarms have no subscriber here, since no address is configured; a low concurrency is a warning."""
    doctor = run_loader(app, "doctor", "--json")
    problems = {check["check"]: check["detail"] for check in doctor.json if check["verdict"] == "problem"}
    assert (doctor.status, problems) == (1, {"alarms": "nobody receives alarms"})


def test_an_object_is_loaded_by_name(app: DeployedApp, tmp_path: Path) -> None:
    key = f"dataset=generation/{tmp_path.name}/by-name.parquet"
    app.load(key, unique_records(tmp_path, "generation", 20))
    result = run_loader(app, "load", f"s3://{app.source_bucket}/{key}")
    assert (result.status, key in result.out) == (0, True)


def test_points_that_influxdb_rejected_stand_beside_the_rows_that_were_set_aside(
    app: DeployedApp, tmp_path: Path
) -> None:
    table, key = bad_rows(tmp_path), f"dataset=generation/{tmp_path.name}.parquet"
    flags = ["refused" if row == 20 else "good" for row in range(table.num_rows)]
    table = table.set_column(table.column_names.index("quality_flag"), "quality_flag", pa.array(flags))
    with writes_through_proxy(app) as proxy:
        proxy.set_faults(always=reject_bodies_with(b"quality_flag=refused"))
        load = app.load(key, table).response["data"]["load_id"]
    rows, points = run_loader(app, "quarantine", load, "--json").json
    assert (rows["rule"], rows["rows"]) == ("missing_tag", 3)
    assert (points["rule"], points["rows"], points["samples"][0]["source_row"]) == ("refused_by_influxdb", 1, 20)
    verified = run_loader(app, "verify", load, "--json")
    assert (verified.status, sum(window["sent"] for window in verified.json["windows"])) == (0, 3 * 56)


def test_what_failed_is_in_the_history_until_it_is_loaded(app: DeployedApp, tmp_path: Path) -> None:
    prefix, table = f"dataset=generation/{tmp_path.name}/", unique_records(tmp_path, "generation", 20)
    key = f"{prefix}a.parquet"
    assert run_loader(app, "history", prefix).out == "no loads found\n"
    app.load(key, parquet(table)[:-9])
    (failed,) = run_loader(app, "history", prefix, "--json").json
    assert (failed["status"], failed["error"]) == ("failed", "CorruptParquetError")
    skipped = run_loader(app, "retry", prefix, "--json")
    reasons = [load["skipped"] for load in skipped.json]
    assert (skipped.status, reasons) == (0, ["cannot succeed with the same file (--force)"])
    second_retry = run_loader(app, "retry", prefix, "--force")
    assert (second_retry.status, "failed again" in second_retry.out) == (1, True)
    app.put(key, table)
    app.wait_for_loads(key, count=3)
    assert run_loader(app, "retry", prefix).out == "no files to load again\n"
    loaded, failed = run_loader(app, "history", prefix, "--json").json
    assert (loaded["status"], loaded["points_written"], failed["status"]) == ("loaded", 20, "failed")
    assert loaded["report_page"].startswith(f"s3://{app.outputs['WorkBucketName']}/reports/generation/")


@pytest.mark.parametrize(
    ("left", "was"),
    [
        ({"status": "failed", "error": "InfluxUnavailableError"}, "InfluxUnavailableError"),
        ({"status": "claimed", "lease_until": "2024-01-01T00:00:00Z"}, "abandoned"),
    ],
)
def test_the_very_version_that_failed_or_was_abandoned_is_loaded_again(
    app: DeployedApp, tmp_path: Path, left: dict[str, str], was: str
) -> None:
    prefix = f"dataset=generation/{tmp_path.name}/"
    first = app.load(f"{prefix}a.parquet", unique_records(tmp_path, "generation", 20))
    ledger_table(app).put_item(Item=only_item(app, prefix) | left)
    assert was in run_loader(app, "history", prefix).out
    second_retry = run_loader(app, "retry", prefix, "--json")
    changes = [(file["was"], file["status"]) for file in second_retry.json]
    assert (second_retry.status, changes) == (0, [(was, "SUCCEEDED")])
    item = only_item(app, prefix)
    assert (item["status"], item["points_written"]) == ("loaded", 20)
    execution = app.cloud.client("stepfunctions").describe_execution(executionArn=item["execution"])
    assert json.loads(execution["input"])["version_id"] == first.response["data"]["version_id"]


def test_a_backfill_tells_which_files_are_not_loaded_and_what_to_do(app: DeployedApp, tmp_path: Path) -> None:
    prefix, table = f"dataset=generation/{tmp_path.name}/", unique_records(tmp_path, "generation", 20)
    with app.without_events():
        for name, content in (("a", table), ("b", parquet(table)[:-9])):
            app.put(f"{prefix}{name}.parquet", content)
        limits = ("--max-concurrency", "2", "--max-failures", "60")
        first = run_loader(app, "backfill", f"s3://{app.source_bucket}/{prefix}", *limits)
        assert (first.status, first.out.splitlines()[0]) == (1, "1 of 2 files are loaded")
        assert f"{prefix}b.parquet  CorruptParquetError" in first.out
        assert "The producer must write the file again." in first.out
        assert "too many files failed" not in first.out
        app.put(f"{prefix}b.parquet", table)
        second = run_loader(app, "backfill", prefix, "--json")
    assert (second.status, second.json["message"]) == (0, "All 2 files are loaded")


def test_a_backfill_gives_up_when_too_many_fail_and_retry_tries_them_all(app: DeployedApp, tmp_path: Path) -> None:
    prefix = f"dataset=generation/{tmp_path.name}/"
    with app.without_events():
        for n in range(6):
            app.put(f"{prefix}{n}.parquet", b"not Parquet")
        began = run_loader(app, "backfill", prefix, "--no-wait")
    backfill_result = run_loader(app, "backfill", "--follow", began.out.strip())
    assert (backfill_result.status, backfill_result.out.splitlines()[0]) == (1, "0 of 6 files are loaded")
    assert "stopped because too many files failed" in backfill_result.out
    retried = run_loader(app, "retry", prefix, "--force")
    assert (retried.status, retried.out.count("failed again")) == (1, 6)


def test_a_backfill_that_was_stopped_is_told_so(app: DeployedApp, tmp_path: Path) -> None:
    prefix, table = f"dataset=generation/{tmp_path.name}/", unique_records(tmp_path, "generation", 20)
    with app.without_events():
        for n in range(8):
            app.put(f"{prefix}{n}.parquet", table)
        name = run_loader(app, "backfill", prefix, "--max-concurrency", "1", "--no-wait").out.strip().rpartition(":")[2]
        stopped = run_loader(app, "backfill", "--stop", name)
    assert (stopped.status, stopped.out.startswith("Stopped. ")) == (0, True)
    followed = run_loader(app, "backfill", "--follow", name)
    assert (followed.status, "run `loader backfill` with the same prefix again" in followed.out) == (1, True)


@pytest.mark.slow
def test_ctrl_c_leaves_a_backfill_running_and_says_how_to_follow_it(app: DeployedApp, tmp_path: Path) -> None:
    prefix, table = f"dataset=generation/{tmp_path.name}/", unique_records(tmp_path, "generation", 20)
    client, machine = app.cloud.client("stepfunctions"), app.outputs["BackfillArn"]
    with app.without_events():
        for n in range(4):
            app.put(f"{prefix}{n}.parquet", table)
        loader = start_loader(app, "backfill", prefix, "--max-concurrency", "1")
        while not (executions := client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]):
            assert loader.poll() is None
            time.sleep(0.1)
        time.sleep(1)  # until it knows the execution too
        loader.send_signal(signal.SIGINT)
        _, errors = loader.communicate(timeout=30)
    assert loader.returncode == 130
    assert errors.startswith("The backfill is still running.\n")
    assert f"loader watch {executions[0]['name']}\n" in errors
    assert app.wait_for_end(executions[0]["executionArn"]).response["data"]["loaded_files"] == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backfill", "dataset=nothing/here/"], "no objects under s3://"),
        (["backfill", "s3://elsewhere/a/"], "not from 'elsewhere': copy the files there"),
        (["backfill", "--follow", "nobody"], "no backfill named 'nobody'"),
        (["load", "s3://elsewhere/dataset=generation/a.parquet"], "not from 'elsewhere'"),
        (["show", "feedbeef"], "no load ID, execution, or key starts with 'feedbeef'"),
        (["show", "feedbeef", "--stack", "Other"], "no stack named 'Other' in this AWS account and Region"),
    ],
)
def test_what_does_not_exist_is_an_error_with_status_2(app: DeployedApp, words: list[str], message: str) -> None:
    result = run_loader(app, *words)
    assert (result.status, message in result.err) == (2, True)


def test_a_mistyped_key_starts_no_load(app: DeployedApp, tmp_path: Path) -> None:
    address = f"s3://{app.source_bucket}/dataset=generation/{tmp_path.name}.parquet"
    result = run_loader(app, "load", address)
    # Other tests of this deployment may have objects whose keys are close to this one.
    close = r"( \(did you mean dataset=\S+( or dataset=\S+){0,2}\?\))?"
    message = rf"error: {re.escape(address)} does not exist{close}: check the key \(aws s3 ls\)\n"
    assert (result.status, bool(re.fullmatch(message, result.err))) == (2, True), result.err
    assert run_loader(app, "history", address, "--json").json == []
