"""The lists of backfills and sweeps of datasets with `revisions = "replace"`, and the reports of backfills."""

from itertools import chain, count, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.list_files import listing
from functions.list_files.handler import lambda_handler as list_files
from functions.report_backfill.handler import lambda_handler as report_backfill
from shared import sweep_lease
from shared.aws_clients import dynamodb_resource, s3_client
from shared.pages.index import LOAD_STATUSES
from tests.functional.conftest import LEDGER, SOURCE
from tests.functional.test_list_files import read_lines, read_summary
from tests.functional.test_sweep import ago, sweep, table_requests
from tests.support.backfill import EXECUTION, PREFIX, add_item
from tests.support.own_datasets import declare_datasets
from tests.support.slots import SLOT, SlotLoad, declare_replacing, declare_two_in_one_folder, key_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

OTHER = "dataset=generation/month=02/"
NUMBERS = count()

PLANTS = """
[plants]
measurement = "plant_data"
key_pattern = "exports/{region}/v{version}/*.parquet"
required_tags = ["region"]
path_tags = ["region"]
revision = "version"
revisions = "replace"
fields = [{ name = "power_mw", unit = "MW" }]
"""


@pytest.fixture(autouse=True)
def tables(ledger: "Table", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> "Table":
    declare_replacing(monkeypatch)
    context.get_remaining_time_in_millis = lambda: 900_000
    return ledger


def put(s3: "S3Client", *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket=SOURCE, Key=key, Body=b"x")


def lists(s3: "S3Client", context: SimpleNamespace, **more: Any) -> tuple[list[str], int]:
    """Return the keys in all lists of a backfill, and the number of older revisions."""
    keys, older, state = list[str](), 0, {"bucket": SOURCE, "prefix": PREFIX, "execution": EXECUTION, **more}
    while True:
        file_list: Any = list_files(state, context)  # type: ignore[arg-type]
        keys += [line["key"] for line in read_lines(s3, file_list)]
        older += read_summary(s3, file_list)["older_revisions"]
        if file_list["next"] is None:
            return keys, older
        state["list"] = file_list


FILES = [
    key_of(0, "z"),
    *(key_of(day, name) for day in (1, 2) for name in "ab"),
    key_of(3, "_SUCCESS"),
    *(key_of(day, "a", f"{SLOT}region=N/") for day in (1, 4)),
    *(key_of(day, "a", OTHER) for day in (5, 6, 7)),
]
NEWEST = [key_of(2, "a"), key_of(2, "b"), key_of(4, "a", f"{SLOT}region=N/"), key_of(7, "a", OTHER)]


@pytest.mark.parametrize("page", [1000, 3, 2, 1])
def test_a_backfill_lists_the_newest_revision_of_each_slot(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Also if its lists, and the pages of the bucket, end inside a slot."""
    put(s3, *FILES)
    if page < 1000:
        monkeypatch.setattr(listing, "MAX_FILES", 0)  # each page is a list of its own
    keys, older = lists_of_pages(s3, context, page)
    assert sorted(keys) == sorted(NEWEST)
    assert older == len(FILES) - 1 - len(NEWEST)


def lists_of_pages(s3: "S3Client", context: SimpleNamespace, page: int) -> tuple[list[str], int]:
    """Return what `lists` returns if each page of the bucket has so many versions."""
    events = s3_client().meta.events
    events.register("provide-client-params.s3.ListObjectVersions", lambda params, **_: params | {"MaxKeys": page})
    return lists(s3, context)


@pytest.mark.parametrize("page", [1000, 3, 2, 1])
def test_pages_without_files_do_not_complete_a_slot(s3: "S3Client", context: SimpleNamespace, page: int) -> None:
    """They have only former versions, deleted objects, or objects that are not files."""
    put(s3, key_of(1), *[key_of(1, "b")] * 4, key_of(2, "_SUCCESS"), key_of(3), key_of(4))
    for deleted in (key_of(1, "b"), key_of(3)):
        s3.delete_object(Bucket=SOURCE, Key=deleted)
    assert lists_of_pages(s3, context, page) == ([key_of(4)], 1)


@pytest.mark.parametrize("escape", ["%5F", "%5f"])
def test_a_list_that_ends_inside_a_slot_knows_escaped_names_of_revisions(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, escape: str
) -> None:
    newest = key_of(2).replace("processed_at", f"processed{escape}at")
    put(s3, newest, key_of(1), f"{SLOT}other=1/a.parquet")
    monkeypatch.setattr(listing, "MAX_FILES", 1)
    keys, older = lists_of_pages(s3, context, 1)
    assert (sorted(keys), older) == (sorted([newest, f"{SLOT}other=1/a.parquet"]), 1)


def test_revisions_in_groups_of_a_key_pattern_replace_each_other(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    declare_datasets(monkeypatch, tmp_path, PLANTS)
    newest = ["exports/NE/v1/a.parquet", "exports/SE/v2/a.parquet", "exports/SE/v2/b.parquet"]
    put(s3, *newest, "exports/SE/v1/a.parquet", "exports/SE/v1/c.parquet", "exports/SE/v3/_SUCCESS")
    monkeypatch.setattr(listing, "MAX_FILES", 0)
    events = s3_client().meta.events
    events.register("provide-client-params.s3.ListObjectVersions", lambda params, **_: params | {"MaxKeys": 1})
    keys, older = lists(s3, context, prefix="exports/")
    assert (sorted(keys), older) == (newest, 2)


@pytest.mark.parametrize("page", [1, 1000])
def test_files_of_another_dataset_in_the_same_folders_replace_none(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    declare_two_in_one_folder(monkeypatch)
    newest = ["raw/v1/consumption_a.parquet", "raw/v2/generation_a.parquet", "raw/v3/undeclared.parquet"]
    put(s3, *newest, "raw/v1/generation_a.parquet")
    monkeypatch.setattr(listing, "MAX_FILES", 0)
    events = s3_client().meta.events
    events.register("provide-client-params.s3.ListObjectVersions", lambda params, **_: params | {"MaxKeys": page})
    keys, older = lists(s3, context, prefix="raw/")
    assert (sorted(keys), older) == (newest, 1)


def test_a_list_ends_inside_a_slot_of_many_files(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, all files of a slot would be in memory."""
    put(s3, *(key_of(1, name) for name in "abcd"))
    monkeypatch.setattr(listing, "MAX_FILES", 2)
    events = s3_client().meta.events
    events.register("provide-client-params.s3.ListObjectVersions", lambda params, **_: params | {"MaxKeys": 1})
    state: Any = {"bucket": SOURCE, "prefix": PREFIX, "execution": EXECUTION}
    assert list_files(state, context)["files"] == 2  # type: ignore[arg-type]
    assert lists(s3, context) == ([key_of(1, name) for name in "abcd"], 0)


def test_of_all_revisions_the_oldest_of_each_slot_are_listed_first(s3: "S3Client", context: SimpleNamespace) -> None:
    """A file that is loaded after one of a newer revision would be skipped."""
    files = [key_of(0, "z"), key_of(10), key_of(9), key_of(1, slot=OTHER)]
    put(s3, *files)
    assert lists(s3, context, all_revisions=True) == ([files[0], files[3], files[2], files[1]], 0)


def test_a_backfill_does_not_count_older_revisions_as_not_loaded(s3: "S3Client", context: SimpleNamespace) -> None:
    newer, older = SlotLoad(s3, context, key_of(2)), SlotLoad(s3, context, key_of(1))
    newer.start()
    newer.settle("loaded")
    state: Any = {"bucket": SOURCE, "prefix": PREFIX, "execution": EXECUTION, "all_revisions": True}
    state["list"] = list_files(state, context)  # type: ignore[arg-type]
    assert older.start()["skipped"]
    answer: Any = report_backfill({"state": "ReportBackfill", "input": state}, context)  # type: ignore[arg-type]
    assert (answer["data"]["files"], answer["data"]["loaded_files"], answer["data"]["older_revisions"]) == (1, 1, 1)
    assert answer["data"]["not_loaded"] == []


def test_the_report_of_a_backfill_reads_the_head_of_each_slot_once(s3: "S3Client", context: SimpleNamespace) -> None:
    """A slot may have more files than the report has time to read for each of them."""
    newer, *older = (SlotLoad(s3, context, key) for key in (key_of(2), *(key_of(1, name) for name in "abc")))
    newer.start()
    newer.settle("loaded")
    state: Any = {"bucket": SOURCE, "prefix": PREFIX, "execution": EXECUTION, "all_revisions": True}
    state["list"] = list_files(state, context)  # type: ignore[arg-type]
    assert all(each.start()["skipped"] for each in older)
    operations: list[str] = []
    dynamodb_resource().meta.client.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: operations.append(model.name)
    )
    answer: Any = report_backfill({"state": "ReportBackfill", "input": state}, context)  # type: ignore[arg-type]
    assert answer["data"]["older_revisions"] == 3
    assert operations.count("BatchGetItem") == 2
    assert operations.count("Query") == len(LOAD_STATUSES), "of the page that lists the last loads, for each status"


def settle(load: SlotLoad, status: str, **more: Any) -> None:
    load.start()
    load.settle(status, **{"changed_at": ago(hours=1), **more})


@pytest.mark.parametrize("error", ["CorruptParquetError", "InfluxUnavailableError"])
def test_a_sweep_lists_the_revision_before_one_that_needs_a_person(
    s3: "S3Client", context: SimpleNamespace, error: str
) -> None:
    newest = [SlotLoad(s3, context, key_of(3, name)) for name in "ab"]
    for each in newest:
        settle(each, "claimed", claimed_at=ago(hours=1), lease_until="2999-01-01T00:00:00Z")
    skipped = [SlotLoad(s3, context, key_of(day, name)) for day in (1, 2) for name in "ab"]
    assert all(each.start()["skipped"] for each in skipped)
    settle(newest[0], "failed", error=error)
    assert sweep(context)["files"] == (error == "InfluxUnavailableError"), "the other file is still being loaded"
    settle(newest[1], "failed", error=error)
    listed = [line["key"] for line in read_lines(s3, sweep(context))]
    if error == "CorruptParquetError":
        assert sorted(listed) == [key_of(2, "a"), key_of(2, "b")]
        assert [each.start()["skipped"] for each in skipped[2:]] == ["", ""]
        skipped[2].settle("loaded")
        skipped[3].settle("loaded")
        assert sweep(context)["files"] == 0
    else:
        assert sorted(listed) == [key_of(3, "a"), key_of(3, "b")]


def test_a_sweep_passes_over_a_revision_whose_files_were_deleted(s3: "S3Client", context: SimpleNamespace) -> None:
    """Its files are skipped, too, once `loader forget` has withdrawn them."""
    failed, forgotten = SlotLoad(s3, context, key_of(3, "a")), SlotLoad(s3, context, key_of(3, "b"))
    older = SlotLoad(s3, context, key_of(2))
    settle(forgotten, "loaded")
    assert older.start()["skipped"]
    settle(failed, "failed", error="CorruptParquetError")
    assert sweep(context)["files"] == 0
    forgotten.settle("skipped")
    s3.delete_object(Bucket=SOURCE, Key=key_of(3, "b"))
    assert [line["key"] for line in read_lines(s3, sweep(context))] == [key_of(2)]


def test_no_sweep_lists_an_undone_version_and_the_revision_before_has_the_slot(
    s3: "S3Client", context: SimpleNamespace
) -> None:
    """The version before the undone one was skipped, and S3 only has the undone one as the current version."""
    failed, older = SlotLoad(s3, context, key_of(3, "a")), SlotLoad(s3, context, key_of(2))
    settle(failed, "claimed", claimed_at=ago(hours=1), lease_until="2999-01-01T00:00:00Z")
    assert older.start()["skipped"]
    s3.put_object(Bucket=SOURCE, Key=key_of(2), Body=b"newer")
    undone = SlotLoad(s3, context, key_of(2))
    settle(undone, "undone")
    settle(failed, "failed", error="CorruptParquetError")
    assert sweep(context)["files"] == 0
    settle(failed, "undone")
    assert older.start()["skipped"] == ""


@pytest.mark.parametrize("page", [1, 1000])
def test_a_backfill_lists_what_stands_in_the_place_of_undone_loads(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Revision 3 is undone; revision 2 stands again, and of its file b the first version."""
    put(s3, key_of(1, "b"), key_of(2, "a"), key_of(2, "b"), key_of(3, "a"))
    add_item(s3, key_of(2, "b"), "loaded", bucket_id="former")
    first = s3.head_object(Bucket=SOURCE, Key=key_of(2, "b"))["VersionId"]
    for message in ("undone", "withdrawn with loader forget"):
        put(s3, key_of(2, "b"))
        add_item(s3, key_of(2, "b"), "undone" if message == "undone" else "skipped", message=message)
    put(s3, key_of(2, "b"))
    for key in (key_of(2, "b"), key_of(3, "a")):
        add_item(s3, key, "undone")
    monkeypatch.setattr(listing, "MAX_FILES", 1)
    events = s3_client().meta.events
    events.register("provide-client-params.s3.ListObjectVersions", lambda params, **_: params | {"MaxKeys": page})
    health = {"bucket_ids": {"generation": "current"}}
    state: Any = {"bucket": SOURCE, "prefix": PREFIX, "execution": EXECUTION, "health": health}
    lines, undone = list[dict[str, Any]](), 0
    while state.get("list", {"next": True})["next"]:
        state["list"] = file_list = list_files(state, context)  # type: ignore[arg-type]
        lines += read_lines(s3, file_list)
        undone += read_summary(s3, file_list)["skipped"].get("undone", 0)
    assert sorted((line["key"], line["version_id"], line["force"]) for line in lines) == [
        (key_of(2, "a"), "", False),
        (key_of(2, "b"), first, True),
    ]
    assert undone == 1
    assert lists(s3, context, force=True)[0] == [key_of(3, "a")]


def test_a_slot_is_examined_once_for_each_failure_in_it(
    s3: "S3Client", context: SimpleNamespace, tables: "Table"
) -> None:
    """While one of its files runs, which may still be skipped, or is skipped, each sweep examines it."""
    newer, running = SlotLoad(s3, context, key_of(3, "a")), SlotLoad(s3, context, key_of(3, "b"))
    settle(newer, "failed", error="CorruptParquetError")
    running.start()
    assert examine(context) == 1
    assert examine(context) == 1
    settle(running, "failed", error="CorruptParquetError")
    assert examine(context) == 1
    assert examine(context) == 0
    assert (newer.item["slot_examined"], running.item["slot_examined"]) == (True, True)
    older = SlotLoad(s3, context, key_of(2))
    newer.start()  # a person loads it again, and the claim removes the attribute
    assert older.start()["skipped"]
    newer.settle("failed", error="CorruptParquetError", changed_at=ago(hours=1))
    assert [line["key"] for line in read_lines(s3, sweep(context, "last"))] == [key_of(2)]


def test_a_slot_is_examined_again_after_a_file_of_it_was_running(s3: "S3Client", context: SimpleNamespace) -> None:
    newer, older = SlotLoad(s3, context, key_of(3)), SlotLoad(s3, context, key_of(2))
    newer.start()
    assert older.start()["skipped"]
    claim = {"claimed_at": ago(hours=0), "lease_until": "2999-01-01T00:00:00Z"}
    older.settle("claimed", **claim)  # the skip is decided, but not recorded yet
    newer.settle("failed", error="CorruptParquetError", changed_at=ago(hours=1))
    assert examine(context) == 1
    older.settle("skipped")
    assert [line["key"] for line in read_lines(s3, sweep(context, "last"))] == [key_of(2)]


def examine(context: SimpleNamespace) -> int:
    """Return how many slots a sweep examines, which lists nothing."""
    queries, name = table_requests("Query"), f"sweep-{next(NUMBERS)}"
    assert sweep(context, name)["files"] == 0
    sweep_lease.release_lease(name)
    slots = [table for table in queries if table == LEDGER]
    return len(slots)


def test_sweeps_without_time_for_all_slots_examine_files_first_and_then_one_slot_after_the_other(
    s3: "S3Client", context: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    slots = [f"dataset=generation/month=0{month}/" for month in (1, 2, 3)]
    for slot in slots:
        newer, older = SlotLoad(s3, context, key_of(2, slot=slot)), SlotLoad(s3, context, key_of(1, slot=slot))
        newer.start()
        assert older.start()["skipped"]
        settle(newer, "failed", error="CorruptParquetError")
    heals = "dataset=generation/month=04/a.parquet"
    settle(SlotLoad(s3, context, heals), "failed", error="InfluxUnavailableError")
    listed = []
    for number in range(5):
        left = chain([900_000] * 2, repeat(0))  # time for the file that heals, and for one slot
        context.get_remaining_time_in_millis = lambda left=left: next(left)
        name = f"sweep-{number}"
        file_list = sweep(context, name)
        listed.append([line["key"] for line in read_lines(s3, file_list)])
        sweep_lease.release_lease(name)
    first, second, third = ([heals, key_of(1, slot=slot)] for slot in slots)
    assert listed == [first, second, third, [heals], first]
    left_out = [vars(record)["unexamined_slots"] for record in caplog.records if "unexamined_slots" in vars(record)]
    assert left_out == [3] * 5
