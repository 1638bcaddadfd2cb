"""The lists of a sweep: what failed or was abandoned and can heal, and once a day, what the ledger does not have."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.list_files import sweep as sweep_lists
from functions.list_files import unknown
from functions.list_files.handler import lambda_handler
from functions.report_backfill.handler import lambda_handler as report_backfill
from shared.aws_clients import dynamodb_resource
from shared.events import ListPosition
from shared.healing import WAITS
from shared.ledger import CHANGES, object_name
from shared.sweep_lease import KEY
from tests.functional.conftest import SOURCE
from tests.functional.test_list_files import read_lines
from tests.support.backfill import PREFIX, add_item, put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

USED_UP = len(WAITS) + 1
DOWN: dict[str, Any] = {"unhealthy": {"Error": "InfluxUnavailableError", "Cause": "{}"}}


def ago(**delta: float) -> str:
    return (datetime.now(UTC) - timedelta(**delta)).isoformat().replace("+00:00", "Z")


def table_requests(name: str) -> list[str]:
    """Return the list that gets the tables and indexes of all further requests of an operation to DynamoDB."""
    requests = list[str]()

    def note(params: dict[str, Any], **_: object) -> None:
        requests.append(params.get("IndexName") or params["TableName"])

    dynamodb_resource().meta.client.meta.events.register(f"provide-client-params.dynamodb.{name}", note)
    return requests


@pytest.fixture(autouse=True)
def tables(ledger: "Table", context: SimpleNamespace) -> "Table":
    """A ledger whose bucket was listed today, so that a sweep only reads the ledger."""
    ledger.put_item(Item={**KEY, "execution": "before", "bucket_listed_at": ago(hours=1)})
    context.get_remaining_time_in_millis = lambda: 900_000
    return ledger


def sweep(context: SimpleNamespace, name: str = "sweep-1", **more: Any) -> Any:
    """Return the next list of a sweep."""
    execution = {"id": f"arn:{name}", "name": name, "start_time": ago()}
    event: Any = {"bucket": SOURCE, "prefix": "", "sweep": True, "execution": execution, **more}
    return lambda_handler(event, context)  # type: ignore[arg-type]


def end(context: SimpleNamespace, file_list: Any, name: str = "sweep-1") -> dict[str, Any]:
    """Return the answer of the function to a sweep that ends."""
    execution = {"id": f"arn:{name}", "name": name, "start_time": ago()}
    state: Any = {"bucket": SOURCE, "prefix": "", "sweep": True, "execution": execution, "list": file_list}
    return dict(report_backfill({"state": "ReportBackfill", "input": state}, context))  # type: ignore[arg-type]


def fail(s3: "S3Client", name: str, error: str = "InfluxUnavailableError", **more: Any) -> str:
    """Put an object whose load failed an hour ago."""
    key = put(s3, name)
    add_item(s3, key, "failed", error=error, **{"changed_at": ago(hours=1), **more})
    return key


def listed(s3: "S3Client", file_list: Any) -> list[str]:
    return [line["key"] for line in read_lines(s3, file_list)]


def metrics(output: str) -> dict[str, float]:
    """Return the metrics that the sweep wrote."""
    [line] = (json.loads(line) for line in output.splitlines() if '"Backlog"' in line)
    return {name: line[name][0] for name in ("Backlog", "NeedsPerson")}


def hours_since_last_load(output: str) -> list[float]:
    lines = (json.loads(line) for line in output.splitlines() if '"HoursSinceLastLoad"' in line)
    return [line["HoursSinceLastLoad"][0] for line in lines]


def test_the_hours_since_the_last_load_are_published(
    s3: "S3Client", context: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, hours in (("a.parquet", 7), ("b.parquet", 30)):
        add_item(s3, put(s3, name), "loaded", changed_at=ago(hours=hours))
    fail(s3, "failed.parquet")
    sweep(context)
    assert hours_since_last_load(capsys.readouterr().out) == [pytest.approx(7, abs=0.1)]
    assert sweep(context, "sweep-2")["note"] == "another sweep is running"
    assert hours_since_last_load(capsys.readouterr().out) == [pytest.approx(7, abs=0.1)]


def test_before_the_first_load_no_hours_are_published(
    s3: "S3Client", context: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(s3, "failed.parquet")
    sweep(context)
    output = capsys.readouterr().out
    assert metrics(output)["Backlog"] == 1
    assert hours_since_last_load(output) == []


def test_what_can_heal_is_listed_when_it_is_due(
    s3: "S3Client", context: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    due = [fail(s3, "a.parquet"), fail(s3, "b.parquet", tries=2), fail(s3, "c.parquet", "InfluxUnauthorizedError")]
    fail(s3, "waits.parquet", tries=5)
    fail(s3, "corrupt.parquet", "CorruptParquetError")
    fail(s3, "given_up.parquet", tries=USED_UP)
    add_item(s3, put(s3, "loaded.parquet"), "loaded")
    file_list = sweep(context)
    assert (sorted(listed(s3, file_list)), file_list["next"], file_list["note"]) == (due, None, "")
    assert metrics(capsys.readouterr().out) == {"Backlog": 4, "NeedsPerson": 1}


def test_a_claim_is_taken_over_only_after_its_lease(s3: "S3Client", context: SimpleNamespace) -> None:
    abandoned, running = put(s3, "a.parquet"), put(s3, "b.parquet")
    add_item(s3, abandoned, "claimed", lease_until=ago(minutes=1)[:19] + "Z")
    add_item(s3, running, "claimed", lease_until="2999-01-01T00:00:00Z")
    assert listed(s3, sweep(context)) == [abandoned]


def replace(s3: "S3Client", tables: "Table", key: str) -> str:
    """Put a newer version of an object, which is loaded, and return its version id."""
    version_id = s3.put_object(Bucket=SOURCE, Key=key, Body=b"new")["VersionId"]
    newer: dict[str, Any] = {"status": "loaded", "sequencer": "", "changed_at": ago(minutes=1), "execution": "arn:y"}
    name = {"object": object_name(SOURCE, key), "version": f"2999-01-01T00:00:00Z {version_id}"}
    tables.put_item(Item={**newer, **name, "last_modified": 2**31})
    return version_id


def test_versions_that_are_not_current_are_neither_listed_nor_counted_nor_read_again(
    s3: "S3Client", context: SimpleNamespace, tables: "Table", capsys: pytest.CaptureFixture[str]
) -> None:
    for name, tries in (("due", 1), ("waits", 5), ("used_up", USED_UP)):
        replace(s3, tables, fail(s3, f"{name}.parquet", tries=tries))
    for name, tries in (("deleted", 1), ("deleted_used_up", USED_UP)):
        s3.delete_object(Bucket=SOURCE, Key=fail(s3, f"{name}.parquet", tries=tries))
    assert listed(s3, sweep(context)) == []
    assert metrics(capsys.readouterr().out) == {"Backlog": 0, "NeedsPerson": 0}
    queries = table_requests("Query")
    sweep(context)
    assert queries == [CHANGES] * 3  # the last load, claims, and failures


def test_a_version_that_becomes_current_again_is_found_in_the_bucket(
    s3: "S3Client", context: SimpleNamespace, tables: "Table", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer version is deleted. No event tells so, and the ledger still has it."""
    monkeypatch.setattr(unknown, "GRACE", timedelta())
    key = fail(s3, "a.parquet")
    version_id = replace(s3, tables, key)
    assert listed(s3, sweep(context)) == []
    s3.delete_object(Bucket=SOURCE, Key=key, VersionId=version_id)
    given_up = fail(s3, "given_up.parquet", tries=USED_UP)
    first = sweep(context, list_bucket=True)
    assert (listed(s3, first), listed(s3, sweep(context, list=first))) == ([], [key])
    assert {item.get("sweep_result") for item in tables.scan()["Items"]} == {None, "replaced", "given up"}, given_up


@pytest.mark.parametrize("by_person", [True, False])
def test_only_a_person_loads_files_outside_the_source_prefix(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch, *, by_person: bool
) -> None:
    """The prefix of a schedule may be shorter, so that it covers key patterns, too."""
    monkeypatch.setenv("SOURCE_PREFIX", PREFIX)
    keys = [put(s3, "a.parquet"), "other/b.parquet"]
    s3.put_object(Bucket=SOURCE, Key=keys[1], Body=b"x")
    state: Any = {"bucket": SOURCE, "prefix": "", "list_bucket": by_person}
    now, start = datetime.now(UTC) + timedelta(hours=1), ListPosition(key="", version="")
    unloaded = unknown.list_unknown(s3, state, start, since=now - timedelta(days=1), now=now, has_time=lambda: True)
    assert [json.loads(line)["key"] for line in unloaded.listing.lines] == (keys if by_person else keys[:1])


def test_a_deleted_version_is_not_tried_in_every_sweep_while_an_older_one_is_loaded(
    s3: "S3Client", context: SimpleNamespace
) -> None:
    key = put(s3, "a.parquet")
    add_item(s3, key, "loaded")
    first_version = s3.head_object(Bucket=SOURCE, Key=key)["VersionId"]
    s3.put_object(Bucket=SOURCE, Key=key, Body=b"new")
    add_item(s3, key, "failed", error="InfluxUnavailableError", changed_at=ago(hours=1))
    second_version = s3.head_object(Bucket=SOURCE, Key=key)["VersionId"]
    s3.delete_object(Bucket=SOURCE, Key=key, VersionId=second_version)
    assert s3.head_object(Bucket=SOURCE, Key=key)["VersionId"] == first_version
    assert listed(s3, sweep(context)) == []


def test_a_file_that_used_up_its_tries_is_announced_once(
    s3: "S3Client", context: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also if the index showed it only in the sweep after the next one."""
    assert sweep(context)["files"] == 0
    fail(s3, "given_up.parquet", tries=USED_UP, changed_at=ago(minutes=20))
    capsys.readouterr()
    announced = []
    for _ in range(3):
        sweep(context)
        announced.append(metrics(capsys.readouterr().out)["NeedsPerson"])
    assert announced == [1, 0, 0]


def test_a_sweep_that_fails_before_it_announces_does_so_when_it_is_called_again(
    s3: "S3Client", context: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(s3, "given_up.parquet", tries=USED_UP, changed_at=ago(minutes=5))

    def kill() -> int:
        raise SystemExit

    has_time, context.get_remaining_time_in_millis = context.get_remaining_time_in_millis, kill
    with pytest.raises(SystemExit):
        sweep(context)
    context.get_remaining_time_in_millis = has_time
    sweep(context)
    assert metrics(capsys.readouterr().out) == {"Backlog": 0, "NeedsPerson": 1}


@pytest.mark.parametrize("bound", ["time", "length"])
def test_files_that_do_not_fit_into_a_sweep_are_counted_and_the_oldest_are_loaded_first(
    s3: "S3Client",
    context: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
) -> None:
    fail(s3, "waits.parquet", tries=5)
    keys = [fail(s3, f"{hours}.parquet", changed_at=ago(hours=hours)) for hours in (1, 3, 2)]
    fail(s3, "given_up.parquet", tries=USED_UP, changed_at=ago(minutes=1))
    if bound == "length":
        monkeypatch.setattr(sweep_lists, "MAX_FILES", 1)
    else:
        left = iter([900_000, 0, 0, 0, 0])
        context.get_remaining_time_in_millis = lambda: next(left)
    assert listed(s3, sweep(context)) == [keys[1]]
    assert metrics(capsys.readouterr().out)["Backlog"] == 4


def test_while_influxdb_is_down_files_are_counted_and_not_loaded(
    s3: "S3Client", context: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(s3, "a.parquet")
    file_list = sweep(context, **DOWN)
    assert (file_list["files"], file_list["next"]) == (0, None)
    assert metrics(capsys.readouterr().out)["Backlog"] == 1
    answer = end(context, file_list)
    assert answer["message"] == "No files were loaded: InfluxDB is not healthy: InfluxUnavailableError"
    assert sweep(context, "sweep-2")["files"] == 1, "it used up no try"


def test_one_sweep_runs_at_a_time(s3: "S3Client", context: SimpleNamespace, tables: "Table") -> None:
    fail(s3, "a.parquet")
    first = sweep(context)
    second = sweep(context, "sweep-2")
    assert (first["files"], second["files"], second["note"]) == (1, 0, "another sweep is running")
    assert end(context, second, "sweep-2")["message"] == "No files were loaded: another sweep is running"
    assert sweep(context, "sweep-3")["files"] == 0, "the end of the second sweep leaves the lease of the first"
    end(context, first)
    assert sweep(context, "sweep-4")["files"] == 1
    tables.update_item(
        Key=KEY, UpdateExpression="SET lease_until = :past", ExpressionAttributeValues={":past": ago(minutes=1)}
    )
    assert sweep(context, "sweep-5")["files"] == 1, "the lease of a sweep that was stopped ends"


def test_once_a_day_objects_that_the_ledger_does_not_have_are_listed(
    s3: "S3Client", context: SimpleNamespace, tables: "Table", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unknown, "GRACE", timedelta())
    missed = put(s3, "missed.parquet")
    fail(s3, "corrupt.parquet", "CorruptParquetError")
    add_item(s3, put(s3, "loaded.parquet"), "loaded")
    s3.put_object(Bucket=SOURCE, Key=f"{PREFIX}empty.parquet", Body=b"")
    put(s3, "_SUCCESS")
    assert sweep(context)["next"] is None
    assert sweep(context, list_bucket=True)["next"] is not None
    tables.update_item(
        Key=KEY, UpdateExpression="SET bucket_listed_at = :past", ExpressionAttributeValues={":past": ago(days=2)}
    )
    first = sweep(context)
    second = sweep(context, list=first)
    assert (first["files"], listed(s3, second), second["next"]) == (0, [missed], None)
    assert sweep(context)["next"] is None, "the bucket was listed today"


def test_an_object_waits_for_its_event_and_an_old_one_is_left_alone(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = put(s3, "missed.parquet")
    first = sweep(context, list_bucket=True)
    assert listed(s3, sweep(context, list=first)) == [], "its event may still come"
    monkeypatch.setattr(unknown, "GRACE", timedelta())
    monkeypatch.setenv("SWEEP_SINCE", "2999-01-01T00:00")
    assert listed(s3, sweep(context, list=first)) == []
    monkeypatch.setenv("SWEEP_SINCE", "2024-01-01T00:00")
    assert listed(s3, sweep(context, list=first)) == [missed]
