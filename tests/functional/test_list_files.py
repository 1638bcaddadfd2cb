"""ListFiles: which files under a prefix a backfill loads, by the ledger, the ids of the buckets, and `force`."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.list_files import listing
from functions.list_files.handler import lambda_handler
from shared import ledger_items
from shared.aws_clients import dynamodb_resource
from shared.errors import AwsThrottledError, SourceNotFoundError
from shared.events import FileList
from shared.ledger import object_name, version_name
from shared.ledger_items import ItemKey, items_by_key
from shared.work_bucket import file_manifest_key
from tests.functional.conftest import LEDGER, SOURCE, WORK
from tests.support.backfill import EXECUTION, PREFIX, add_item, put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

OLD, NEW = "0f1e2d3c4b5a6978", "fedcba9876543210"


@pytest.fixture(autouse=True)
def tables(ledger: "Table") -> "Table":
    return ledger


def make_list(context: SimpleNamespace, **more: Any) -> FileList:
    backfill: Any = {"bucket": SOURCE, "prefix": PREFIX, "execution": EXECUTION, **more}
    return lambda_handler(backfill, context)  # type: ignore[arg-type]


def read_lines(s3: "S3Client", file_list: FileList) -> list[dict[str, Any]]:
    body = s3.get_object(Bucket=WORK, Key=file_list["key"])["Body"].read().decode()
    return [json.loads(line) for line in body.splitlines()]


def read_summary(s3: "S3Client", file_list: FileList) -> dict[str, Any]:
    key = file_list["key"].replace(".jsonl", ".json")
    return dict(json.loads(s3.get_object(Bucket=WORK, Key=key)["Body"].read()))


@pytest.mark.parametrize(
    ("item", "current", "lines"),
    [
        (None, NEW, [(False, False)]),
        ({"status": "failed"}, NEW, [(False, False)]),
        ({"status": "claimed"}, NEW, [(False, False)]),
        ({"status": "skipped"}, NEW, [(False, False)]),
        ({"status": "undone"}, NEW, []),
        ({"status": "undone", "bucket_id": OLD}, NEW, []),
        ({"status": "loaded", "bucket_id": NEW}, NEW, []),
        ({"status": "loaded", "bucket_id": OLD}, NEW, [(True, True)]),
        ({"status": "loaded", "bucket_id": OLD}, "", []),
        ({"status": "loaded", "bucket_id": ""}, NEW, []),
        ({"status": "loaded"}, NEW, []),
        ({"status": "loaded", "bucket_id": OLD, "dataset": "consumption"}, NEW, []),
    ],
)
def test_a_file_is_loaded_if_the_ledger_does_not_show_it_as_loaded_or_its_bucket_was_replaced(
    s3: "S3Client", context: SimpleNamespace, item: dict[str, str] | None, current: str, lines: list[tuple[bool, bool]]
) -> None:
    key = put(s3, "a.parquet")
    if item:
        add_item(s3, key, **item)
    ids = {"generation": current, "consumption": OLD}
    file_list = make_list(context, force=False, health={"bucket_ids": ids})
    listed = read_lines(s3, file_list)
    assert (file_list["number"], file_list["files"], file_list["next"]) == (0, len(lines), None)
    assert [(line["force"], line["replaced"]) for line in listed] == lines
    assert all((line["key"], line["former_execution"]) == (key, "arn:x" if item else "") for line in listed)


def test_force_lists_every_file(s3: "S3Client", context: SimpleNamespace) -> None:
    add_item(s3, put(s3, "a.parquet"), status="loaded")
    put(s3, "b.parquet")
    lines = read_lines(s3, make_list(context, force=True))
    assert [(line["force"], line["replaced"], line["former_execution"]) for line in lines] == [
        (True, False, "arn:x"),
        (True, False, ""),
    ]


def test_objects_that_are_not_files_are_counted_by_the_reason(s3: "S3Client", context: SimpleNamespace) -> None:
    for name in ("_SUCCESS", "a.csv", "_temporary/0/a.parquet", "b.parquet"):
        put(s3, name)
    file_list = make_list(context)
    summary = read_summary(s3, file_list)
    assert (file_list["files"], summary["files"]) == (1, 1)
    assert summary["skipped"] == {"hidden": 2, "suffix": 1}


def test_files_that_are_loaded_are_only_counted(s3: "S3Client", context: SimpleNamespace) -> None:
    add_item(s3, put(s3, "a.parquet"), status="loaded", bucket_id=NEW)
    partly = put(s3, "b.parquet")
    add_item(s3, partly, status="loaded", bucket_id="", verdict="partly loaded")
    file_list = make_list(context, health={"bucket_ids": {"generation": NEW}})
    counts = {"files": 2, "not_checkable": 1, "partly_loaded": [partly], "skipped": {}, "older_revisions": 0}
    assert read_summary(s3, file_list) == counts


def test_the_newest_revision_of_each_slot_is_first_then_the_second_newest_of_each(
    s3: "S3Client", context: SimpleNamespace
) -> None:
    folders = [f"month=0{month}/processing_metadata_processed_at={time}" for month, time in REVISIONS]
    keys = [put(s3, f"{folder}/a.parquet") for folder in folders] + [put(s3, "month=01/a.parquet")]
    in_order = [keys[number] for number in (1, 3, 0, 2, 4)]
    assert [line["key"] for line in read_lines(s3, make_list(context))] == in_order


REVISIONS = [(1, "2024-08-01 03:04:05"), (1, "2024-08-01T01:04:05-03:00"), (2, "2024-01-01"), (2, "2024-02-01")]


def test_the_latest_version_counts_and_deleted_objects_do_not(s3: "S3Client", context: SimpleNamespace) -> None:
    rewritten = put(s3, "a.parquet")
    add_item(s3, rewritten, status="loaded")
    s3.put_object(Bucket=SOURCE, Key=rewritten, Body=b"rewritten")
    s3.delete_object(Bucket=SOURCE, Key=put(s3, "b.parquet"))
    assert [line["key"] for line in read_lines(s3, make_list(context))] == [rewritten]


def test_an_unversioned_bucket_is_compared_by_etag_and_time(s3: "S3Client", context: SimpleNamespace) -> None:
    s3.delete_bucket(Bucket=SOURCE)
    s3.create_bucket(Bucket=SOURCE)
    add_item(s3, put(s3, "a.parquet"), status="loaded")
    new = put(s3, "b.parquet")
    assert [line["key"] for line in read_lines(s3, make_list(context))] == [new]


@pytest.mark.parametrize("bound", ["length", "time"])
def test_a_long_listing_continues_in_the_next_list(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Pages have four versions each; a list ends with its page."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "4")
    if bound == "length":
        monkeypatch.setattr(listing, "MAX_FILES", 1)
        context.get_remaining_time_in_millis = lambda: 900_000
    keys = [put(s3, f"{n:02}.parquet") for n in range(10)]
    for key in keys[:5]:
        s3.put_object(Bucket=SOURCE, Key=key, Body=b"rewritten")
    lists = [make_list(context)]
    while lists[-1]["next"]:
        lists.append(make_list(context, list=lists[-1]))
    assert [file_list["number"] for file_list in lists] == [0, 1, 2, 3]
    assert [line["key"] for file_list in lists for line in read_lines(s3, file_list)] == keys
    assert sum(read_summary(s3, file_list)["files"] for file_list in lists) == 10


def test_a_bucket_that_cannot_be_listed_is_an_error_with_a_name(s3: "S3Client", context: SimpleNamespace) -> None:
    s3.delete_bucket(Bucket=SOURCE)
    with pytest.raises(SourceNotFoundError, match="s3://source/dataset=generation/: NoSuchBucket"):
        make_list(context)


def test_keys_that_dynamodb_leaves_unprocessed_are_requested_again(ledger: "Table") -> None:
    """A reply has at most 16 MB: 60 items of 350 kB do not fit into one."""
    names = [ItemKey(object_name(SOURCE, f"{n}.parquet"), "v") for n in range(60)]
    for name in names:
        ledger.put_item(Item={**name._asdict(), "message": "x" * 350_000})
    assert items_by_key([*names, *names]).keys() == set(names)


def test_a_table_that_stays_throttled_is_a_transient_error(ledger: "Table", monkeypatch: pytest.MonkeyPatch) -> None:
    """The service leaves all keys unprocessed, as it does while it throttles."""
    monkeypatch.setattr(ledger_items, "MAX_DELAY_S", 0.01)
    requests = list[object]()

    def throttle(parsed: dict[str, Any], **_: object) -> None:
        requests.append(parsed)
        keys = [{"object": {"S": "o"}, "version": {"S": "v"}}]
        parsed |= {"Responses": {}, "UnprocessedKeys": {LEDGER: {"Keys": keys}}}

    events = dynamodb_resource().meta.client.meta.events
    events.register_first("after-call.dynamodb.BatchGetItem", throttle)
    with pytest.raises(AwsThrottledError, match="left 1 keys of table ledger unprocessed in 10 requests"):
        items_by_key([ItemKey("o", "v")])
    assert len(requests) == ledger_items.ATTEMPTS


def test_the_ledger_names_a_version_as_the_listing_does(s3: "S3Client") -> None:
    key = put(s3, "a.parquet")
    head = s3.head_object(Bucket=SOURCE, Key=key)
    (version,) = s3.list_object_versions(Bucket=SOURCE, Prefix=key)["Versions"]
    assert version_name(version["LastModified"], version["VersionId"], version["ETag"]) == version_name(
        head["LastModified"], head["VersionId"], head["ETag"]
    )


def put_manifest(s3: "S3Client", *keys: str) -> str:
    s3.put_object(Bucket=WORK, Key=file_manifest_key("m"), Body="\n".join(keys).encode())
    return file_manifest_key("m")


def test_a_manifest_lists_exactly_its_files(s3: "S3Client", context: SimpleNamespace) -> None:
    keys = [put(s3, name) for name in ("a.parquet", "a.parquet.csv", "b.parquet", "c.parquet", "Ünïcode .parquet")]
    add_item(s3, keys[2], status="loaded")
    absent = [f"{PREFIX}a.parque", f"{PREFIX}d.parquet"]
    manifest = put_manifest(s3, *sorted([keys[0], keys[1], keys[2], keys[4], *absent]))
    file_list = make_list(context, prefix="", manifest=manifest)
    assert [line["key"] for line in read_lines(s3, file_list)] == [keys[0], keys[4]]
    summary = read_summary(s3, file_list)
    assert (summary["files"], summary["skipped"], summary["absent"]) == (3, {"suffix": 1}, absent)
    lines = read_lines(s3, make_list(context, prefix="", manifest=manifest, force=True))
    assert [line["key"] for line in lines] == [keys[0], keys[2], keys[4]]


def test_a_long_manifest_continues_where_its_last_list_ended(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.list_files.manifest.PAGE_KEYS", 2)
    monkeypatch.setattr(listing, "MAX_FILES", 2)
    keys = [put(s3, f"{n}.parquet") for n in range(5)]
    manifest, last, lists = put_manifest(s3, *keys), None, []
    while last is None or last["next"]:
        more: dict[str, Any] = {"list": last} if last else {}
        last = make_list(context, prefix="", manifest=manifest, **more)
        lists.append([line["key"] for line in read_lines(s3, last)])
    assert lists == [keys[:2], keys[2:4], keys[4:]]


def test_folders_of_tables_are_named_once(s3: "S3Client", context: SimpleNamespace) -> None:
    for name in ("t/_delta_log/0.json", "t/_delta_log/1.json", "t/a.parquet", "i/metadata/v1.metadata.json"):
        put(s3, name)
    assert read_summary(s3, make_list(context))["tables"] == [f"{PREFIX}i/", f"{PREFIX}t/"]
