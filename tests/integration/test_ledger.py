"""Each file once: duplicate, concurrent, late and forced events, executions that die, files that are rewritten."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cli.deployed.executions import Execution
from tests.support import faults
from tests.support.builders import parquet
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.fault_proxy import Exchange
from tests.support.ledger import check_ledger, ledger_items, only_item, statuses
from tests.support.trial import writes_through_proxy

LOADED = "Data loaded successfully"
SKIPPED = "Skipped: already loaded"


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The object key, which no other test uses."""
    return f"dataset=generation/{tmp_path.name}/a.parquet"


@pytest.fixture
def table(tmp_path: Path) -> pa.Table:
    return unique_records(tmp_path, "generation", 200)


@pytest.fixture
def no_events(app: DeployedApp) -> Iterator[None]:
    """Without the bucket's events: only the test starts loads."""
    with app.without_events():
        yield


def rewritten(table: pa.Table) -> pa.Table:
    """The same points with other values."""
    power = table.column_names.index("power_mw")
    return table.set_column(power, "power_mw", pc.add(table["power_mw"], 1.0))


def event(app: DeployedApp, key: str, version: str, sequencer: str = "") -> dict[str, Any]:
    """Return the event that EventBridge sends about the version."""
    source = {"key": key, "version-id": version, **({"sequencer": sequencer} if sequencer else {})}
    return {"detail-type": "Object Created", "detail": {"bucket": {"name": app.source_bucket}, "object": source}}


def messages(executions: list[Execution]) -> list[str]:
    return [execution.response["message"] for execution in executions]


def test_a_second_event_about_a_file_loads_nothing(app: DeployedApp, tmp_path: Path, key: str, table: pa.Table) -> None:
    version = app.put(key, table)
    first, item = app.wait_for_load(key), only_item(app, key)
    by_event, by_name = app.run(event(app, key, version)), app.run({"bucket": app.source_bucket, "key": key})
    assert messages([first, by_event, by_name]) == [LOADED, SKIPPED, SKIPPED]
    assert by_event.response["data"]["points_written"] == 0
    assert app.metrics(by_event) == []
    assert only_item(app, key) == item
    check_ledger(app, tmp_path, key, {key: table})


def test_of_ten_events_at_once_one_loads(
    app: DeployedApp, no_events: None, tmp_path: Path, key: str, table: pa.Table
) -> None:
    version = app.put(key, table)
    arns = [app.start(event(app, key, version)) for _ in range(10)]
    counts = Counter(message.partition(" by ")[0] for message in messages([app.wait_for_end(arn) for arn in arns]))
    assert counts[LOADED] == 1
    assert counts[SKIPPED] + counts["Skipped: already being loaded"] == 9
    check_ledger(app, tmp_path, key, {key: table})


def test_events_that_come_in_the_wrong_order_leave_the_newest(
    app: DeployedApp, no_events: None, tmp_path: Path, key: str, table: pa.Table
) -> None:
    newer = rewritten(table)
    versions = [app.put(key, table), app.put(key, newer)]
    late_first = [app.run(event(app, key, version, f"005{n}")) for n, version in reversed(list(enumerate(versions)))]
    assert messages(late_first) == [LOADED, f"Skipped: superseded by version {versions[1]}"]
    assert sorted(statuses(app, key)) == ["loaded", "skipped"]
    check_ledger(app, tmp_path, key, {key: newer})


def test_an_older_version_asked_for_by_name_does_not_overwrite_a_newer_one(
    app: DeployedApp, no_events: None, tmp_path: Path, key: str, table: pa.Table
) -> None:
    older, newer = app.put(key, table), rewritten(table)
    time.sleep(1.1)  # LastModified counts in seconds, and by name there is no sequencer
    newest = app.put(key, newer)
    app.run(event(app, key, newest))
    by_name = {"bucket": app.source_bucket, "key": key, "version_id": older}
    assert messages([app.run(by_name)]) == [f"Skipped: superseded by version {newest}"]
    check_ledger(app, tmp_path, key, {key: newer})
    assert messages([app.run(by_name | {"force": True})]) == [LOADED]
    assert app.compare(tmp_path, "generation", table).equal


@pytest.mark.slow
def test_a_newer_version_waits_until_the_older_one_is_written(
    app: DeployedApp, no_events: None, tmp_path: Path, key: str, table: pa.Table
) -> None:
    newer, started = rewritten(table), []

    def arrives(exchange: Exchange) -> None:
        started.append(app.start(event(app, key, app.put(key, newer), "0052")))
        faults.answer_with(503, Retry_After="5")(exchange)

    with writes_through_proxy(app) as proxy:
        proxy.set_faults(arrives)
        older = app.run(event(app, key, app.put(key, table), "0051"))
        newer_load = app.wait_for_end(started[0])
    assert messages([older, newer_load]) == [LOADED, LOADED]
    states = [
        entered["stateEnteredEventDetails"]["name"]
        for entered in app.history(newer_load)
        if "stateEnteredEventDetails" in entered
    ]
    assert "WaitForOlder" in states
    assert statuses(app, key) == ["loaded", "loaded"]
    check_ledger(app, tmp_path, key, {key: newer})


def test_a_rewritten_file_is_loaded(app: DeployedApp, tmp_path: Path, key: str, table: pa.Table) -> None:
    newer = rewritten(table)
    first, second = app.load(key, table), app.load(key, newer)
    assert messages([first, second]) == [LOADED, LOADED]
    assert statuses(app, key) == ["loaded", "loaded"]
    check_ledger(app, tmp_path, key, {key: newer})


def test_force_loads_again(app: DeployedApp, tmp_path: Path, key: str, table: pa.Table) -> None:
    first = app.load(key, table)
    forced = app.run({"bucket": app.source_bucket, "key": key, "force": True})
    assert messages([first, forced]) == [LOADED, LOADED]
    assert only_item(app, key)["execution"] == forced.arn
    check_ledger(app, tmp_path, key, {key: table})


def test_a_failure_is_kept_until_a_load_succeeds(app: DeployedApp, tmp_path: Path, key: str, table: pa.Table) -> None:
    broken = app.load(key, parquet(table)[:-100])
    retry = app.run({"bucket": app.source_bucket, "key": key})
    assert (broken.error, retry.error) == ("CorruptParquetError", "CorruptParquetError")
    assert (only_item(app, key)["error"], only_item(app, key)["execution"]) == ("CorruptParquetError", retry.arn)
    check_ledger(app, tmp_path, key, {})
    app.load(key, table)
    assert statuses(app, key) == ["failed", "loaded"]
    check_ledger(app, tmp_path, key, {key: table})


def test_a_file_of_an_unknown_dataset_is_in_the_ledger_too(app: DeployedApp, tmp_path: Path, table: pa.Table) -> None:
    key = f"dataset=weather/{tmp_path.name}.parquet"
    app.load(key, table)
    assert only_item(app, key)["error"] == "UnknownDatasetError"
    check_ledger(app, tmp_path, key, {})


@pytest.mark.slow
def test_an_execution_that_is_killed_keeps_a_file_until_its_lease_ends(
    app: DeployedApp, no_events: None, tmp_path: Path, key: str, table: pa.Table
) -> None:
    influxdb, version = app.influxdb, app.put(key, table)
    with app.configured(LEASE_SECONDS="12"):
        influxdb.stop_gateway()
        try:
            killed = app.start(event(app, key, version))
            while statuses(app, key) != ["claimed"]:
                time.sleep(0.1)
            app.cloud.client("stepfunctions").stop_execution(executionArn=killed)
        finally:
            influxdb.start_gateway()
        claimed_item = only_item(app, key)
        early = app.run(event(app, key, version))
        assert messages([early]) == [
            f"Skipped: already being loaded by {killed}; its claim expires at {claimed_item['lease_until']}"
        ]
        assert only_item(app, key) == claimed_item
        time.sleep((datetime.fromisoformat(claimed_item["lease_until"]) - datetime.now(UTC)).total_seconds() + 1)
        assert messages([app.run(event(app, key, version))]) == [LOADED]
    check_ledger(app, tmp_path, key, {key: table})


def test_nothing_of_an_object_that_is_no_load_is_in_the_ledger(app: DeployedApp, tmp_path: Path) -> None:
    key = f"dataset=generation/{tmp_path.name}/_temporary/a.parquet"
    assert app.load(key, b"").response["message"].startswith("Skipped: ")
    assert ledger_items(app, key) == []
