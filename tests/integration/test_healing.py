"""Outages, missed events, and a killed load while files arrive: sweeps load every file that can be loaded by itself."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
import pytest

from cli.deployed.executions import describe
from local.cloud import local_cloud
from tests.integration.test_bursts import ROWS_EACH, split
from tests.support.builders import parquet
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.ledger import check_ledger, ledger_items, statuses
from tests.support.sweeps import abandon, age_failures, check_one_at_a_time, claimed_loads, running, sweeps

PATIENCE_S = 40
SHORT_S, MEDIUM_S, LONG_S = 5, 20, 2 * PATIENCE_S
"""The outages: one that a few retries survive, one that the loads wait out, and one that is too long for them."""
FILES, EVERY_S = 150, 1.2
"""Files arrive before, in, between, and after the outages, on a busy machine more slowly."""
WITHOUT_EVENTS_S = 10
PREFIX = "dataset=generation/healing/"
BEYOND_HEALTH = ("ValidateSchema", "ConvertParts", "RegisterLoad", "WriteChunks")


@pytest.fixture(scope="module")
def app() -> Iterator[DeployedApp]:
    """The app with a short patience. The test starts its sweeps, one after the other."""
    with local_cloud() as cloud:
        yield DeployedApp(cloud, cloud.deploy({"outage_patience": str(PATIENCE_S), "backoff_seconds": "1"}))


def arrivals(app: DeployedApp, files: dict[str, pa.Table]) -> Callable[[Event], None]:
    """Return the task that puts one file after the other."""

    def put_files(stop: Event) -> None:
        for key, table in files.items():
            app.put(key, table)
            if stop.wait(EVERY_S):
                return

    return put_files


@contextmanager
def outage(app: DeployedApp) -> Iterator[None]:
    """Stop InfluxDB while a load is between CheckHealth and its last write."""
    sfn, machine = app.cloud.client("stepfunctions"), app.outputs["StateMachineArn"]
    wait_until(lambda: any(app_state in BEYOND_HEALTH for app_state in states(sfn, machine)), within_s=120, every_s=0.1)
    app.influxdb.stop_gateway()
    try:
        yield
    finally:
        app.influxdb.start_gateway()


def states(sfn: Any, machine: str) -> Iterator[str]:
    """Yield the states of the executions that run."""
    for execution in sfn.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        yield describe(sfn, execution["executionArn"]).state


def wait_until(is_true: Callable[[], bool], *, within_s: float, every_s: float = 2) -> None:
    deadline = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(every_s)


def log_lines(app: DeployedApp, function: str, word: str) -> list[dict[str, Any]]:
    """Return the JSON lines with a word that a function logged."""
    group = app.functions[function]["LoggingConfig"]["LogGroup"]
    pages = app.cloud.client("logs").get_paginator("filter_log_events")
    events = [
        event for page in pages.paginate(logGroupName=group, filterPattern=f'"{word}"') for event in page["events"]
    ]
    ordered = sorted(events, key=lambda event: event["timestamp"])
    return [json.loads(event["message"]) for event in ordered if event["message"].startswith("{")]


def metric(app: DeployedApp, function: str, name: str) -> list[float]:
    """Return the values of a metric that a function emitted, in order."""
    return [line[name][0] for line in log_lines(app, function, name) if "_aws" in line and name in line]


@pytest.mark.slow  # three outages, the longest of them longer than the patience
@pytest.mark.timeout(1800)
def test_after_outages_every_file_is_loaded_without_a_command(app: DeployedApp, tmp_path: Path) -> None:
    tables = split(unique_records(tmp_path, "generation", FILES * ROWS_EACH), PREFIX)
    keys = list(tables)
    corrupt, killed, missed = f"{PREFIX}corrupt.parquet", keys[0], keys[1:4]
    assert app.load(corrupt, parquet(tables[killed])[:-100]).error == "CorruptParquetError"
    with app.without_events():
        for key in (killed, *missed):
            app.put(key, tables[key])
        abandon(app, killed)
    arriving = {key: tables[key] for key in keys[4:]}
    with running(arrivals(app, arriving)), running(sweeps(app, PREFIX, lambda: age_failures(app, PREFIX))):
        for duration_s in (SHORT_S, MEDIUM_S):
            with outage(app):
                time.sleep(duration_s)
        failed_before = {item["object"] for item in ledger_items(app, PREFIX) if item["status"] == "failed"}
        with outage(app):
            time.sleep(LONG_S)
        with app.without_events():
            time.sleep(WITHOUT_EVENTS_S)
        wait_until(lambda: statuses(app, PREFIX).count("loaded") == FILES, within_s=600)
        wait_until(lambda: metric(app, "list_files", "Backlog")[-1] == 0, within_s=60)
    assert failed_before == {f"s3://{app.source_bucket}/{corrupt}"}, "loads wait out the first two outages"
    loads = claimed_loads(app, PREFIX)
    check_one_at_a_time(loads)
    check_ledger(app, tmp_path, PREFIX, tables)
    of_killed = [load.status for load in loads if load.key == killed]
    assert (of_killed[0], of_killed[-1]) == ("ABORTED", "SUCCEEDED")
    assert [load.status for load in loads if load.key == corrupt] == ["FAILED"], "it needs a person"
    assert any(load.status == "FAILED" for load in loads if load.key != corrupt), "the patience was used up"
    for function in ("check_health", "write_batch"):
        assert any(line.get("message") == "later" for line in log_lines(app, function, "later")), function
    assert sum(metric(app, "report_load", "NeedsPerson")) == 1, "only the corrupt file"
    assert sum(metric(app, "list_files", "NeedsPerson")) == 0
