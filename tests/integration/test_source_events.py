"""The events of the source bucket: late ones, those about nothing to load, and keys of every kind."""

from pathlib import Path

import pyarrow as pa
import pytest

from tests.support.deployed_app import DeployedApp, unique_records


@pytest.fixture
def table(tmp_path: Path) -> pa.Table:
    return unique_records(tmp_path, "transmission", 300)


def test_a_late_event_about_an_older_version_is_skipped(app: DeployedApp, tmp_path: Path, table: pa.Table) -> None:
    key = f"dataset=transmission/{tmp_path.name}.parquet"
    older = app.put(key, table)
    app.wait_for_load(key)
    app.put(key, table.slice(0, 10))
    app.wait_for_loads(key, count=2)
    record = {"bucket": {"name": app.source_bucket}, "object": {"key": key, "version-id": older}}
    execution = app.run({"detail-type": "Object Created", "detail": record})
    assert execution.response["message"].startswith("Skipped: ")
    assert "superseded" in execution.response["message"]
    assert app.compare(tmp_path, "transmission", table).equal


def test_a_suffix_in_upper_case_starts_a_load_and_a_hidden_file_is_skipped(
    app: DeployedApp, tmp_path: Path, table: pa.Table
) -> None:
    folder = f"dataset=transmission/{tmp_path.name}"
    assert app.load(f"{folder}/A.PARQUET", table).response["data"]["points_written"] == 300
    hidden = app.load(f"{folder}/_delta_log/1.parquet", table)
    assert hidden.response["message"].startswith("Skipped: a hidden or temporary file")


NO_LOADS = [
    {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"},
    {"Records": [{"eventName": "ObjectRemoved:Delete", "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]},
    {"detail-type": "Object Deleted", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}},
]


@pytest.mark.parametrize("event", NO_LOADS, ids=["test", "removed", "deleted"])
def test_an_event_without_a_new_object_is_no_load(app: DeployedApp, event: object) -> None:
    execution = app.run(event)
    assert (execution.status, execution.response["statusCode"]) == ("SUCCEEDED", 200)
    assert execution.response["message"].startswith("Skipped: ")
    assert execution.response["data"]["points_written"] == 0
    assert app.metrics(execution) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["a b", "a+b", "a%2Fb", "a:b=c", "é ção 🔌", "a\nb", "../../etc/passwd", "k" * 995], ids=range(8)
)
def test_any_key_is_taken_as_it_is(app: DeployedApp, tmp_path: Path, table: pa.Table, name: str) -> None:
    key = f"dataset=transmission/{name}.parquet"
    assert len(key.encode()) <= 1024
    execution = app.load(key, table)
    assert execution.status == "SUCCEEDED", execution.response
    assert execution.response["data"]["key"] == key
    assert app.compare(tmp_path, "transmission", table).equal
    keys = app.work_keys("")
    assert [staged for staged in keys if "etc/passwd" in staged or "\n" in staged] == []
    lines = [line for line in app.log_lines("convert_and_chunk", execution) if line.get("key")]
    assert {line["key"] for line in lines} == {key}
