"""An undo begins with one transaction, whose record leads to the steps that are left after a crash."""

from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.undo_records import UndoRecord, UndoRecords, version_of, withdraw_registrations
from cli.errors import RefusedError
from shared.registrations import Registrations, month_name
from shared.slots import HEAD, Slot
from tests.support.ledger_entries import item, put_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

SLOT = "slot:s3://source/dataset=generation/month=01/"
BEGUN_AT = "2999-01-01T00:00:00.000Z"


def record_of(*items: Any, head: bool = False) -> UndoRecord:
    return {
        "load_id": items[0]["load_id"],
        "dataset": "generation",
        "undone": [version_of(each) for each in items],
        "load_ids": [each["load_id"] for each in items],
        "load_again": [],
        "gone": [],
        "head": {"slot": SLOT, "former": "2", "revision": "1"} if head else None,
        "begun_at": BEGUN_AT,
        "by": "arn:aws:iam::123456789012:user/jane",
    }


def items_of(ledger: "Table") -> dict[str, Any]:
    return {str(each["object"])[-1]: each for each in ledger.scan()["Items"] if "load_id" in each and "etag" in each}


def test_the_versions_are_undone_and_the_slot_goes_back_at_once(ledger: "Table") -> None:
    files = (
        item("a", "loaded", 2, verdict="partly loaded", points_written=3),
        item("b", "failed", 1, error="E", tries=9),
    )
    put_items(ledger, *files, {"object": SLOT, "version": HEAD, "revision": "2"})
    records, record = UndoRecords(ledger), record_of(*files, head=True)
    records.begin(record)
    undone = items_of(ledger)
    assert [each["status"] for each in undone.values()] == ["undone", "undone"]
    assert [each["load_ended_at"] for each in undone.values()] == [each["changed_at"] for each in files]
    assert undone["a"]["message"] == "undone with loader undo by arn:aws:iam::123456789012:user/jane"
    assert not {"verdict", "error", "tries"} & {*undone["a"], *undone["b"]}
    assert undone["a"]["points_written"] == 3
    assert Slot(ledger, SLOT).read().head == "1"
    assert list(records.read()) == [record]
    assert [each["status"] for each in records.complete_marks(record)] == ["undone", "undone"]
    records.end(record)
    assert list(records.read()) == []


@pytest.mark.parametrize("meanwhile", ["a file is claimed", "the slot has another revision"])
def test_nothing_changes_if_something_else_has_changed_meanwhile(ledger: "Table", meanwhile: str) -> None:
    files = item("a", "loaded", 2), item("b", "loaded", 1)
    put_items(ledger, *files, {"object": SLOT, "version": HEAD, "revision": "2"})
    record = record_of(*files, head=True)
    if meanwhile == "a file is claimed":
        put_items(ledger, files[1] | {"status": "claimed", "changed_at": BEGUN_AT})
    else:
        put_items(ledger, {"object": SLOT, "version": HEAD, "revision": "3"})
    before = ledger.scan()["Items"]
    with pytest.raises(RefusedError, match="loaded or claimed meanwhile"):
        UndoRecords(ledger).begin(record)
    assert ledger.scan()["Items"] == before


def test_more_files_than_one_transaction_may_have_are_continued(ledger: "Table") -> None:
    """The slot goes back with the last of them: until then, the newer revision has it."""
    files = [item(f"file-{number}", "loaded", 1) for number in range(9)]
    put_items(
        ledger, *files[:-1], files[-1] | {"changed_at": BEGUN_AT}, {"object": SLOT, "version": HEAD, "revision": "2"}
    )
    records, record = UndoRecords(ledger, max_actions=4), record_of(*files, head=True)
    with pytest.raises(RefusedError):
        records.begin(record)
    statuses = [each["status"] for each in ledger.scan()["Items"] if "etag" in each]
    assert (statuses.count("undone"), Slot(ledger, SLOT).read().head) == (7, "2")
    put_items(ledger, files[-1])
    assert {each["status"] for each in records.complete_marks(record)} == {"undone"}
    assert Slot(ledger, SLOT).read().head == "1"


@pytest.mark.parametrize(("head", "expected"), [("2", "1"), ("1", "1"), ("3", "3")])
def test_a_crash_before_the_slot_goes_back_is_completed(ledger: "Table", head: str, expected: str) -> None:
    """A newer revision that has taken the slot keeps it."""
    files = [item(f"file-{number}", "loaded", 1) for number in range(3)]
    put_items(ledger, *files, {"object": SLOT, "version": HEAD, "revision": "2"})
    records, record = UndoRecords(ledger), record_of(*files, head=True)
    records.begin(record)
    put_items(ledger, {"object": SLOT, "version": HEAD, "revision": head})
    assert {each["status"] for each in records.complete_marks(record)} == {"undone"}
    assert Slot(ledger, SLOT).read().head == expected


def test_a_version_that_was_loaded_again_since_stays_and_the_others_become_undone(ledger: "Table") -> None:
    files = item("a", "loaded", 3), item("b", "loaded", 2), item("c", "loaded", 1)
    put_items(ledger, *files)
    records, record = UndoRecords(ledger), record_of(*files)
    records.begin(record)
    put_items(ledger, files[1] | {"changed_at": BEGUN_AT.replace("00Z", "01Z")}, files[2])
    assert [(each["object"][-1], each["status"]) for each in records.complete_marks(record)] == [
        ("a", "undone"),
        ("c", "undone"),
    ]
    assert (items_of(ledger)["b"]["status"], list(records.read())) == ("loaded", [record])


def test_the_undo_waits_for_a_version_that_is_being_loaded(ledger: "Table") -> None:
    file = item("a", "loaded", 2)
    put_items(ledger, file)
    records, record = UndoRecords(ledger), record_of(file)
    records.begin(record)
    put_items(ledger, file | {"status": "claimed", "changed_at": BEGUN_AT, "lease_until": BEGUN_AT})
    with pytest.raises(RefusedError, match=r"is being loaded by .*: wait for its end"):
        records.complete_marks(record)
    assert list(records.read()) == [record]


def test_a_version_that_was_loaded_again_since_ends_the_undo(ledger: "Table") -> None:
    file = item("a", "loaded", 2)
    put_items(ledger, file)
    records, record = UndoRecords(ledger), record_of(file)
    records.begin(record)
    put_items(ledger, file | {"changed_at": BEGUN_AT.replace("00Z", "01Z")})
    with pytest.raises(RefusedError, match="was loaded again since the undo began, so the undo ends"):
        records.complete_marks(record)
    assert list(records.read()) == []
    assert items_of(ledger)["a"]["status"] == "loaded"


def test_the_registrations_of_the_version_alone_are_withdrawn(ledger: "Table") -> None:
    span: Any = {
        "measurement": "generation_data",
        "first_time": "2024-01-31T00:00:00Z",
        "last_time": "2024-02-01T00:00:00Z",
    }
    file = item("a", "loaded", 2, load_id="1", **span)
    for load_id, key, month in (
        ("1", "a", "01"),
        ("1", "a", "02"),
        ("2", "a", "01"),
        ("3", "b", "01"),
        ("1", "a", "03"),
    ):
        own: Any = {
            "object": month_name("ons", "generation_data", f"2024-{month}"),
            "version": f"{load_id}/run",
            "source": f"s3://source/dataset=generation/{key}",
            "load_id": load_id,
            "written": True,
        }
        Registrations(ledger).add(own)
    withdraw_registrations(ledger, [file], "ons")
    left = sorted((each["load_id"], str(each["object"])[-2:]) for each in ledger.scan()["Items"] if each.get("written"))
    assert left == [("1", "03"), ("2", "01"), ("3", "01")]
