"""Datasets with `revisions = "replace"`: only the newest revision of a slot is loaded, in any order of arrival."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import chain, count, cycle
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.aws_clients import dynamodb_resource, s3_client
from shared.datasets import DATASETS
from shared.healing import WAITS
from shared.ledger import CHANGES, ledger
from shared.ledger_items import ItemKey
from shared.slots import HEAD, Slot, slot_file, slot_name
from tests.functional.conftest import SOURCE
from tests.support.interleaving import run_interleaved
from tests.support.slots import SLOT, SlotLoad, declare_replacing, key_of, slot_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

NUMBERS = count()
SKIPPED = "older revision than 2024-08-02 03:04:05.678901, which is loaded or being loaded"
FAILED_FOR_GOOD: dict[str, Any] = {"status": "failed", "error": "CorruptParquetError"}


@pytest.fixture(autouse=True)
def tables(ledger: "Table", monkeypatch: pytest.MonkeyPatch) -> "Table":
    declare_replacing(monkeypatch)
    return ledger


@pytest.fixture
def load(s3: "S3Client", context: SimpleNamespace) -> "Callable[..., SlotLoad]":
    """A load of the file of a day's revision."""
    return lambda day, name="a", **options: SlotLoad(s3, context, key_of(day, name), **options)


@pytest.mark.parametrize("day", [0, 1])
@pytest.mark.parametrize("status", ["loaded", "claimed"])
def test_an_older_revision_than_one_that_is_loaded_or_loading_is_skipped(load: Any, status: str, day: int) -> None:
    newer, older = load(2), load(day)
    assert newer.start()["rows"] == 1
    if status == "loaded":
        newer.settle("loaded")
    assert older.start()["skipped"] == SKIPPED


def test_a_newer_revision_waits_until_no_older_one_is_running(load: Any) -> None:
    older, newer = [load(1, "a"), load(1, "b")], load(2)
    assert [each.start()["not_before"] for each in older] == ["", ""]
    assert newer.start()["not_before"]
    older[0].settle("loaded")
    assert newer.look()["not_before"]
    older[1].settle("failed", error="InfluxUnavailableError")
    assert (newer.look()["not_before"], newer.look()["rows"]) == ("", 1)


def test_it_does_not_wait_for_an_older_one_whose_lease_has_ended(load: Any) -> None:
    older, newer = load(1), load(2)
    older.start()
    older.settle("claimed", claimed_at="2024-01-01T00:00:00Z", lease_until="2024-01-01T06:00:00Z")
    assert newer.start()["not_before"] == ""


def test_files_of_one_revision_load_side_by_side(load: Any) -> None:
    assert [load(2, name).start()["rows"] for name in "abc"] == [1, 1, 1]


def test_other_slots_do_not_matter(s3: "S3Client", context: SimpleNamespace, load: Any) -> None:
    load(2).start()
    assert SlotLoad(s3, context, key_of(1, slot=f"{SLOT}region=N/")).start()["rows"] == 1


@pytest.mark.parametrize(
    ("newer", "skipped"),
    [
        ({"status": "failed", "error": "InfluxUnavailableError"}, True),
        ({"status": "failed", "error": "InfluxUnavailableError", "tries": len(WAITS) + 1}, False),
        ({"status": "claimed", "claimed_at": "2024-01-01T00:00:00Z", "lease_until": "2024-01-01T06:00:00Z"}, True),
        (FAILED_FOR_GOOD, False),
        ({"status": "skipped"}, False),
    ],
)
def test_a_newer_revision_that_needs_a_person_gives_way_to_an_older_one(
    load: Any, newer: dict[str, Any], *, skipped: bool
) -> None:
    failing, older, oldest = load(2), load(1), load(0)
    failing.start()
    failing.settle(**newer)
    assert older.start()["skipped"] == (SKIPPED if skipped else "")
    assert bool(oldest.start()["skipped"])


def test_a_revision_of_which_one_file_is_loaded_gives_way_to_none(load: Any) -> None:
    loaded, failing, older = load(2, "a"), load(2, "b"), load(1)
    for each in (loaded, failing):
        each.start()
    loaded.settle("loaded")
    failing.settle(**FAILED_FOR_GOOD)
    assert older.start()["skipped"] == SKIPPED


def test_a_newer_revision_that_is_corrected_takes_the_slot_again_after_the_older_one(load: Any) -> None:
    newer, older = load(2), load(1)
    newer.start()
    newer.settle(**FAILED_FOR_GOOD)
    older.start()
    assert newer.start()["not_before"]
    older.settle("loaded")
    assert newer.look()["rows"] == 1
    assert older.start()["skipped"] == SKIPPED


def test_a_forced_load_is_not_skipped_and_newer_ones_wait_for_it(load: Any) -> None:
    newer = load(2)
    newer.start()
    newer.settle("loaded")
    assert load(1, force=True).start()["rows"] == 1
    assert load(3).start()["not_before"]


def test_a_load_that_a_backfill_forces_is_skipped_nevertheless(load: Any) -> None:
    """Both were loaded, and the backfill lists both, since the InfluxDB bucket was replaced."""
    older, newer = load(1), load(2)
    for each in (older, newer):
        each.start()
        each.settle("loaded")
    assert load(1, force=True, override_slot=False).start()["skipped"] == SKIPPED
    assert load(2, force=True, override_slot=False).start()["rows"] == 1


@pytest.mark.parametrize(("status", "skipped"), [("loaded", True), ("claimed", True), ("skipped", False)])
def test_files_that_an_earlier_release_loaded_are_found_once(load: Any, status: str, *, skipped: bool) -> None:
    newer, older, older_too = load(2), load(1, "a"), load(1, "b")
    newer.settle(status, claimed_at="2024-01-01T00:00:00Z", lease_until="2999-01-01T06:00:00Z")
    assert slot_items() == []
    assert bool(older.start()["skipped"]) == skipped
    calls: list[str] = []
    s3_client().meta.events.register("before-call.s3.ListObjectVersions", lambda model, **_: calls.append(model.name))
    assert bool(older_too.start()["skipped"]) == skipped
    assert calls == []


def test_the_former_files_of_a_large_slot_are_read_in_bulk(s3: "S3Client", context: SimpleNamespace, load: Any) -> None:
    """Files of other slots in its folder are not read, and those that are added already are not added again."""
    former = [load(2, str(number)) for number in range(5)]
    for each in former:
        each.settle("loaded")
    SlotLoad(s3, context, key_of(3, slot=f"{SLOT}region=N/")).settle("loaded")
    older = load(1)
    slot = Slot(ledger(), slot_name(SOURCE, key_of(1), DATASETS["generation"]))
    for each in former[:2]:
        slot.add(slot_file(ItemKey(each.item["object"], each.item["version"]), DATASETS["generation"]))
    operations: list[str] = []
    prefixes: list[str] = []
    dynamodb_resource().meta.client.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: operations.append(model.name)
    )
    s3_client().meta.events.register(
        "provide-client-params.s3.ListObjectVersions", lambda params, **_: prefixes.append(params["Prefix"])
    )
    assert older.start()["skipped"] == SKIPPED
    assert operations.count("Query") == 2, "of the versions of the object, and of the slot"
    assert operations.count("PutItem") == 1 + 1 + 3 + 1, "the claim, this file, the former ones, and the skip"
    assert prefixes == [SLOT, key_of(1).rpartition("/")[0] + "/", key_of(2).rpartition("/")[0] + "/"]


@pytest.mark.parametrize("letter", ["a", "ã"])
def test_a_file_with_the_longest_key_has_a_place_in_its_slot(load: Any, letter: str) -> None:
    room = 1024 - len(key_of(1, "b").encode())
    name = letter * (room // len(letter.encode()))
    long, long_too = load(1, f"{name}b"), load(1, f"{name}c")
    assert [long.start()["rows"], long_too.start()["rows"]] == [1, 1]
    sources = {item["source"] for item in slot_items() if item["version"] != HEAD}
    assert sources == {long.item["object"], long_too.item["object"]}
    assert all(len(item["version"].encode()) <= 1024 for item in slot_items())


def test_the_items_of_a_slot_stay_out_of_the_index_of_changes(load: Any, tables: "Table") -> None:
    load(1).start()
    head, file = sorted(slot_items(), key=lambda item: item["version"] != HEAD)
    assert head.keys() == {"object", "version", "revision"}
    assert file.keys() == {"object", "version", "revision", "source", "source_version"}
    assert [item["status"] for item in tables.scan(IndexName=CHANGES)["Items"]] == ["claimed"]


def test_a_slot_that_is_not_contended_takes_three_requests(load: Any) -> None:
    load(1, "a").start()
    second = load(1, "b")
    operations: list[str] = []
    events = dynamodb_resource().meta.client.meta.events
    events.register("before-call.dynamodb.*", lambda model, **_: operations.append(model.name))
    second.start()
    claim, _versions, *of_the_slot = operations
    assert (claim, of_the_slot) == ("PutItem", ["PutItem", "UpdateItem", "Query"])


STEPS = 9
"""More requests than a load makes until it is loaded."""


@pytest.mark.parametrize("days", [(1, 2), (2, 1)])
def test_a_load_that_pauses_anywhere_meanwhile_does_not_write_beside_or_after_a_newer_one(
    s3: "S3Client", context: SimpleNamespace, days: tuple[int, int]
) -> None:
    for number in range(STEPS):
        loaded = interleave(s3, context, days, [0] * number + [1] * STEPS, begun=True)
        assert loaded in ([2], [1, 2])


@pytest.mark.slow
@given(
    begun=st.booleans(),
    days=st.lists(st.integers(0, 3), min_size=2, max_size=3),
    failing=st.sets(st.integers(0, 2), max_size=2),
    choices=st.lists(st.integers(0, 2), min_size=8, max_size=60),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_two_revisions_are_loaded_at_once_and_the_newest_one_is_the_last(
    s3: "S3Client", context: SimpleNamespace, days: list[int], failing: set[int], choices: list[int], *, begun: bool
) -> None:
    """In any interleaving of their requests to the ledger, if some of the loads fail and need a person."""
    loaded = interleave(s3, context, days, choices, failing, begun=begun)
    good = [day for number, day in enumerate(days) if number not in failing]
    if good and max(days) == max(good):
        assert loaded[-1] == max(days)


def interleave(
    s3: "S3Client",
    context: SimpleNamespace,
    days: Sequence[int],
    choices: Iterable[int],
    failing: Collection[int] = (),
    *,
    begun: bool = False,
) -> list[int]:
    """Load a file of each day's revision at the same time, and return the days in the order of their ends.

    With `begun`, the slot has a head before that, since an older file was loaded.
    """
    slot = f"dataset=generation/{next(NUMBERS)}/"
    if begun:
        first = SlotLoad(s3, context, key_of(0, "first", slot))
        first.start()
        first.settle("loaded")
    loads = [SlotLoad(s3, context, key_of(day, str(number), slot)) for number, day in enumerate(days)]
    running, loaded = list[int](), list[int]()

    def run(number: int) -> None:
        day, plan = days[number], loads[number].start()
        while plan["not_before"]:
            plan = loads[number].look()
        if plan["skipped"]:
            return
        assert {day, *running} == {day}
        assert max(loaded, default=0) <= day
        running.append(day)
        if number in failing:
            loads[number].settle("failed", error="CorruptParquetError")
        else:
            loads[number].settle("loaded")
            loaded.append(day)
        running.remove(day)

    functions = [partial(run, number) for number in range(len(days))]
    run_interleaved(functions, chain(choices, cycle(range(len(days)))))
    return loaded
