"""Outages, missed events, and a killed load while files arrive: sweeps load every file that can be loaded by itself."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from cli.deployed.executions import describe
from local.cloud import local_cloud
from tests.integration.test_bursts import ROWS_EACH, split
from tests.integration.test_sweep import LONG_AGO, abandon, start_sweep
from tests.support.builders import parquet
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.ledger import check_ledger, ledger_items, ledger_table, statuses

PATIENCE_S = 40
SHORT_S, MEDIUM_S, LONG_S = 5, 20, 2 * PATIENCE_S
"""The outages: one that a few retries survive, one that the loads wait out, and one that is too long for them."""
FILES, EVERY_S = 150, 1.2
"""Files arrive before, in, between, and after the outages, on a busy machine more slowly."""
WITHOUT_EVENTS_S = 10
PREFIX = "dataset=generation/healing/"
BEYOND_HEALTH = ("ValidateSchema", "ConvertParts", "RegisterLoad", "WriteChunks")


class Load(NamedTuple):
    """An execution that claimed its file: when, and when it ended."""

    key: str
    claimed_at: datetime
    ended_at: datetime
    status: str


@pytest.fixture(scope="module")
def app() -> Iterator[DeployedApp]:
    """The app with a short patience. The test starts its sweeps, one after the other."""
    with local_cloud() as cloud:
        yield DeployedApp(cloud, cloud.deploy({"outage_patience": str(PATIENCE_S), "backoff_seconds": "1"}))


@contextmanager
def running(task: Callable[[Event], None]) -> Iterator[Event]:
    """Run a task in a thread meanwhile, until it ends or the event is set. Raise its error."""
    stop, errors = Event(), list[Exception]()

    def run() -> None:
        try:
            task(stop)
        except Exception as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
    if errors:
        raise errors[0]


def arrivals(app: DeployedApp, files: dict[str, pa.Table]) -> Callable[[Event], None]:
    """Return the task that puts one file after the other."""

    def put_files(stop: Event) -> None:
        for key, table in files.items():
            app.put(key, table)
            if stop.wait(EVERY_S):
                return

    return put_files


def sweeps(app: DeployedApp) -> Callable[[Event], None]:
    """Return the task that runs sweeps, one after the other. Between them, the time passes for every failure."""

    def sweep(stop: Event) -> None:
        while not stop.is_set():
            ended = app.wait_for_end(start_sweep(app, PREFIX), within_s=300)
            assert ended.status == "SUCCEEDED", ended
            for item in ledger_items(app, PREFIX):
                if item["status"] == "failed":
                    age(app, item)

    return sweep


def age(app: DeployedApp, item: dict[str, Any]) -> None:
    """Let a failure be long ago, unless the version is claimed meanwhile."""
    with suppress(ClientError):
        ledger_table(app).update_item(
            Key={name: item[name] for name in ("object", "version")},
            UpdateExpression="SET changed_at = :long_ago",
            ConditionExpression="#status = :failed AND execution = :execution",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":long_ago": LONG_AGO,
                ":failed": "failed",
                ":execution": item["execution"],
            },
        )


@contextmanager
def outage(app: DeployedApp) -> Iterator[None]:
    """Stop InfluxDB while a load is between CheckHealth and its last write."""
    sfn, machine = app.cloud.client("stepfunctions"), app.outputs["StateMachineArn"]
    wait_until(lambda: any(app_state in BEYOND_HEALTH for app_state in states(sfn, machine)), within_s=120, every_s=0.1)
    app.influxdb.stop_gateway()
    yield
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


def claimed_loads(app: DeployedApp) -> list[Load]:
    """Return the executions that claimed their file, which those do that reach CheckHealth, in the order of claims."""
    sfn, loads = app.cloud.client("stepfunctions"), list[Load]()
    pages = sfn.get_paginator("list_executions").paginate(stateMachineArn=app.outputs["StateMachineArn"])
    for execution in (execution for page in pages for execution in page["executions"]):
        described = describe(sfn, execution["executionArn"])
        claims = [
            event["timestamp"]
            for event in app.history(described)
            if event.get("stateEnteredEventDetails", {}).get("name") == "CheckHealth"
        ]
        if claims:
            loads.append(Load(described.key, claims[0], execution["stopDate"], described.status))
    return sorted(loads, key=lambda load: load.claimed_at)


def check_one_at_a_time(loads: Sequence[Load]) -> None:
    """Check that no file was loaded twice at once, nor again after it was loaded."""
    last = dict[str, Load]()
    for load in loads:
        if before := last.get(load.key):
            assert before.ended_at <= load.claimed_at, (before, load)
            assert before.status != "SUCCEEDED", (before, load)
        last[load.key] = load


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
    with running(arrivals(app, arriving)), running(sweeps(app)):
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
    loads = claimed_loads(app)
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
