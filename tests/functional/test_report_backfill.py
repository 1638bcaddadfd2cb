"""ReportBackfill and ReportGivenUp: what became of the files under a prefix."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.list_files.handler import lambda_handler as list_files
from functions.report_backfill import load_status, response
from functions.report_backfill.handler import lambda_handler
from functions.report_backfill.load_status import LoadStatus
from functions.report_backfill.response import success
from shared.work_bucket import file_manifest_key, get_json
from tests.functional.conftest import SOURCE, WORK
from tests.support.backfill import EXECUTION, PREFIX, add_item, put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

GIVEN_UP = {
    "Error": "States.ExceedToleratedFailureThreshold",
    "Cause": "The specified tolerated failure threshold was exceeded",
}


@pytest.fixture(autouse=True)
def tables(ledger: "Table") -> "Table":
    return ledger


def start(context: SimpleNamespace, **more: Any) -> dict[str, Any]:
    """Return the state of a backfill that has listed the files that it is to load."""
    backfill: Any = {"bucket": SOURCE, "prefix": PREFIX, "execution": EXECUTION, **more}
    return {**backfill, "list": list_files(backfill, context)}  # type: ignore[arg-type]


def end(context: SimpleNamespace, backfill: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of the function to a backfill that ends."""
    state = "ReportGivenUp" if "error" in backfill else "ReportBackfill"
    answer: Any = lambda_handler({"state": state, "input": backfill}, context)  # type: ignore[typeddict-item, arg-type]
    return dict(answer)


def report(context: SimpleNamespace, **more: Any) -> dict[str, Any]:
    """Return the answer to a backfill during which nothing happens."""
    return end(context, start(context, **more))


def test_all_files_are_loaded(s3: "S3Client", context: SimpleNamespace) -> None:
    for name in ("a.parquet", "b/c.parquet"):
        add_item(s3, put(s3, name), "loaded")
    answer = report(context)
    assert (answer["statusCode"], answer["message"]) == (200, "All 2 files are loaded")
    assert answer["data"] | {"processing_time_seconds": 1} == {
        "bucket": SOURCE,
        "prefix": PREFIX,
        "files": 2,
        "loaded_files": 2,
        "reloaded_files": 0,
        "not_checkable_files": 2,
        "partly_loaded_files": 0,
        "partly_loaded": [],
        "skipped_objects": {},
        "tables": [],
        "older_revisions": 0,
        "not_loaded": [],
        "report": "backfills/run-1.json",
        "report_page": f"s3://{WORK}/backfills/run-1.html",
        "processing_time_seconds": 1,
    }


def test_each_file_that_is_not_loaded_is_named_with_the_reason(s3: "S3Client", context: SimpleNamespace) -> None:
    failure = {"error": "CorruptParquetError", "message": "write it again", "report": "reports/r.json"}
    add_item(s3, put(s3, "a.parquet"), "loaded")
    add_item(s3, put(s3, "b.parquet"), "failed", **failure)
    add_item(s3, put(s3, "c.parquet"), "claimed", lease_until="2024-01-01T06:00:00Z")
    put(s3, "d.parquet")
    answer = report(context)
    assert answer["message"] == "1 of 4 files are loaded: data.not_loaded names the other 3"
    b, c, d = answer["data"]["not_loaded"]
    assert b == {"key": f"{PREFIX}b.parquet", "status": "failed", "execution": "arn:x", **failure}
    assert (c["status"], c["message"]) == ("claimed", "being loaded; its claim expires at 2024-01-01T06:00:00Z")
    assert (d["key"], d["status"]) == (f"{PREFIX}d.parquet", "unknown")


def healthy(bucket_id: str) -> dict[str, Any]:
    """Return the part of a backfill's state that has the current id of the bucket."""
    return {"health": {"bucket_ids": {"generation": bucket_id}}}


def test_a_file_whose_bucket_was_replaced_is_not_loaded(s3: "S3Client", context: SimpleNamespace) -> None:
    add_item(s3, put(s3, "a.parquet"), "loaded", bucket_id="old")
    add_item(s3, put(s3, "b.parquet"), "loaded", bucket_id="new")
    data = report(context, **healthy("new"))["data"]
    (file,) = data["not_loaded"]
    assert (file["key"], file["status"]) == (f"{PREFIX}a.parquet", "replaced")
    assert file["message"] == "it was loaded into the bucket old, which was replaced by new"
    assert (data["loaded_files"], data["not_checkable_files"]) == (1, 0)


@pytest.mark.parametrize(("recorded", "state"), [("", healthy("new")), ("old", healthy("")), ("old", {})])
def test_an_id_that_is_missing_on_either_side_counts_as_equal(
    s3: "S3Client", context: SimpleNamespace, recorded: str, state: dict[str, Any]
) -> None:
    add_item(s3, put(s3, "a.parquet"), "loaded", bucket_id=recorded)
    data = report(context, **state)["data"]
    assert (data["loaded_files"], data["not_checkable_files"]) == (1, 1)


def test_files_that_this_backfill_loaded_again_are_counted(s3: "S3Client", context: SimpleNamespace) -> None:
    """Another backfill loaded the second file again, in the same second in which this one starts."""
    for name in ("a.parquet", "b.parquet"):
        put(s3, name)
    add_item(s3, f"{PREFIX}a.parquet", "loaded", bucket_id="old")
    just_now = {"claimed_at": EXECUTION["start_time"][:19] + "Z", "former_bucket_id": "old"}
    add_item(s3, f"{PREFIX}b.parquet", "loaded", bucket_id="new", **just_now)
    backfill = start(context, **healthy("new"))
    add_item(s3, f"{PREFIX}a.parquet", "loaded", bucket_id="new", execution="arn:again", **just_now)
    answer = end(context, backfill)
    assert answer["data"]["reloaded_files"] == 1
    assert answer["message"] == "All 2 files are loaded, 1 of them again because their bucket was replaced"


def test_a_forced_backfill_counts_only_loads_of_its_own(s3: "S3Client", context: SimpleNamespace) -> None:
    just_before = {"claimed_at": EXECUTION["start_time"][:19] + "Z"}
    for name in ("a.parquet", "b.parquet"):
        add_item(s3, put(s3, name), "loaded", **just_before)
    backfill = start(context, force=True)
    add_item(s3, f"{PREFIX}a.parquet", "loaded", execution="arn:again")
    (file,) = end(context, backfill)["data"]["not_loaded"]
    assert (file["key"], file["status"]) == (f"{PREFIX}b.parquet", "unchanged")


def test_a_backfill_of_a_former_release_has_no_list(s3: "S3Client", context: SimpleNamespace) -> None:
    """It tells its own loads from earlier ones by their time."""
    add_item(s3, put(s3, "a.parquet"), "loaded", claimed_at="2024-01-01T00:00:00Z")
    add_item(s3, put(s3, "b.parquet"), "loaded", claimed_at="2023-12-31T23:59:59Z")
    backfill = {"bucket": SOURCE, "prefix": PREFIX, "execution": EXECUTION}
    assert end(context, backfill)["message"] == "All 2 files are loaded"
    (file,) = end(context, backfill | {"force": True})["data"]["not_loaded"]
    assert (file["key"], file["status"]) == (f"{PREFIX}b.parquet", "unchanged")


def test_a_file_that_was_rewritten_meanwhile_counts_by_its_newest(s3: "S3Client", context: SimpleNamespace) -> None:
    key = put(s3, "a.parquet")
    backfill = start(context)
    add_item(s3, key, "loaded")  # the new version
    lines = get_lines(s3, backfill)
    replace_lines(s3, backfill, [line | {"version": "2023-01-01T00:00:00Z before"} for line in lines])
    assert end(context, backfill)["message"] == "The only file is loaded"
    replace_lines(s3, backfill, [line | {"version": "2999-01-01T00:00:00Z after"} for line in lines])
    assert [file["status"] for file in end(context, backfill)["data"]["not_loaded"]] == ["unknown"]


def get_lines(s3: "S3Client", backfill: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the files on the list of a backfill."""
    body = s3.get_object(Bucket=WORK, Key=backfill["list"]["key"])["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def replace_lines(s3: "S3Client", backfill: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Replace the files on the list of a backfill."""
    s3.put_object(Bucket=WORK, Key=backfill["list"]["key"], Body="\n".join(map(json.dumps, lines)).encode())


def test_a_backfill_that_ends_before_all_is_listed_says_so(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "1")
    for name in ("a.parquet", "b.parquet"):
        put(s3, name)
    answer = report(context, error=GIVEN_UP)
    assert "The only file that was listed before the backfill ended is not loaded" in answer["message"]


def test_only_the_current_version_of_a_file_counts(s3: "S3Client", context: SimpleNamespace) -> None:
    key = put(s3, "a.parquet")
    add_item(s3, key, "loaded")
    s3.put_object(Bucket=SOURCE, Key=key, Body=b"rewritten")
    assert [file["status"] for file in report(context)["data"]["not_loaded"]] == ["unknown"]
    add_item(s3, key, "loaded")
    deleted = put(s3, "b.parquet")
    s3.delete_object(Bucket=SOURCE, Key=deleted)
    assert report(context)["message"] == "The only file is loaded"


def test_without_versions_it_is_the_bytes_and_their_time(s3: "S3Client", context: SimpleNamespace) -> None:
    s3.delete_bucket(Bucket=SOURCE)
    s3.create_bucket(Bucket=SOURCE)
    add_item(s3, put(s3, "a.parquet"), "loaded")
    assert report(context)["message"] == "The only file is loaded"


def test_objects_that_are_not_files_are_not_counted(s3: "S3Client", context: SimpleNamespace) -> None:
    for name in ("_SUCCESS", "folder/", "_temporary/0/a.parquet", "a.csv"):
        put(s3, name)
    answer = report(context)
    assert answer["message"] == "All 0 files are loaded"
    assert sum(answer["data"]["skipped_objects"].values()) == 4


def test_a_response_lists_some_files_and_the_report_lists_all(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response, "NAMED_FILES", 2)
    monkeypatch.setattr(load_status, "FILES_AT_A_TIME", 2)
    keys = [put(s3, f"{n}.parquet") for n in range(5)]
    add_item(s3, keys[4], "loaded")
    answer = report(context)
    assert answer["message"].endswith("data.not_loaded names 2 of the other 4, the report names all")
    assert [file["key"] for file in answer["data"]["not_loaded"]] == keys[:2]
    report_json = get_json(s3, answer["data"]["report"])
    assert [file["key"] for file in report_json["not_loaded"]] == keys[:4]
    assert report_json["response"] == answer


def test_a_map_that_gave_up_is_a_failure_of_the_same_shape(s3: "S3Client", context: SimpleNamespace) -> None:
    put(s3, "a.parquet")
    answer = report(context, error=GIVEN_UP)
    cause = json.loads(answer["cause"])
    assert (answer["error"], cause["statusCode"]) == (GIVEN_UP["Error"], 500)
    assert cause["message"].startswith(f"{GIVEN_UP['Error']}: {GIVEN_UP['Cause']}: The only file is not loaded")
    assert (cause["data"]["error"], len(cause["data"]["not_loaded"])) == (GIVEN_UP["Error"], 1)


def test_absent_keys_of_a_manifest_are_not_loaded_and_tables_are_named(
    s3: "S3Client", context: SimpleNamespace
) -> None:
    add_item(s3, put(s3, "a.parquet"), "loaded")
    put(s3, "_delta_log/0.json")
    assert end(context, start(context))["data"]["tables"] == [PREFIX]
    manifest = file_manifest_key("m")
    s3.put_object(Bucket=WORK, Key=manifest, Body=f"{PREFIX}a.parquet\n{PREFIX}b.parquet".encode())
    response = end(context, start(context, manifest=manifest))
    assert response["message"] == "1 of 2 files are loaded: data.not_loaded names the other one"
    assert response["data"]["tables"] == []
    [file] = response["data"]["not_loaded"]
    assert (file["key"], file["status"]) == (f"{PREFIX}b.parquet", "absent")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (LoadStatus(files=1), "The only file is loaded"),
        (LoadStatus(files=1, reloaded=1), "The only file is loaded, again because its bucket was replaced"),
        (LoadStatus(files=1, partly_loaded=["a"]), "The only file is loaded, but only partly"),
    ],
)
def test_the_message_about_one_file_is_in_the_singular(files: LoadStatus, message: str) -> None:
    state: Any = {"bucket": SOURCE, "prefix": PREFIX, "execution": EXECUTION}
    assert success(state, files, "report.json", datetime.now(UTC))["message"] == message
