"""A withdrawal finds the registrations of a load in all of its months, and the older files with points in its time."""

from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.ledger import ledger_items
from cli.deployed.stack import Deployment
from cli.deployed.withdrawal import find_withdrawal, withdraw
from cli.errors import NotFoundError, RefusedError
from shared.registrations import Registrations, month_name
from tests.functional.conftest import SOURCE
from tests.support.finished_load import StoringInflux
from tests.support.ledger_entries import item, put_items
from tests.support.scripted_aws import STACK
from tests.support.slots import declare

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

NAME = f"s3://{SOURCE}/dataset=generation/wrong.parquet"


def register(ledger: "Table", key: str, month: str, *, revision: str = "1", first_ns: int = 0) -> None:
    own: Any = {
        "object": month_name("ons", "generation_data", month),
        "version": f"{key}/run",
        "revision": revision,
        "source": f"s3://{SOURCE}/dataset=generation/{key}.parquet",
        "source_version": "v1",
        "last_modified": 0,
        "sequencer": "",
        "dataset": "generation",
        "first_ns": first_ns,
        "last_ns": first_ns + 10,
        "written": True,
        "active_until": "",
    }
    Registrations(ledger).add(own)


def put_loaded(ledger: "Table") -> None:
    times: dict[str, Any] = {"first_time": "2023-11-30T00:00:00Z", "last_time": "2024-02-01T00:00:00Z"}
    put_items(ledger, item("wrong.parquet", "loaded", 1, measurement="generation_data", **times))


def test_it_names_older_files_with_points_in_the_same_time(ledger: "Table", database: StoringInflux) -> None:
    put_loaded(ledger)
    for month in ("2023-11", "2024-02"):
        register(ledger, "wrong", month, revision="2")
    register(ledger, "older", "2024-02")
    register(ledger, "other_month", "2024-01")
    register(ledger, "other_time", "2024-02", first_ns=11)
    register(ledger, "newer", "2024-02", revision="3")
    withdrawal = find_withdrawal(Deployment(STACK), NAME)
    assert withdrawal.older == [f"s3://{SOURCE}/dataset=generation/older.parquet"]
    withdraw(Deployment(STACK), withdrawal)
    written = {str(each["version"]) for each in ledger.scan()["Items"] if each.get("written")}
    assert written == {f"{key}/run" for key in ("older", "other_month", "other_time", "newer")}


def test_it_covers_the_months_and_items_of_all_versions_and_can_be_repeated(
    ledger: "Table", database: StoringInflux
) -> None:
    """The first version has January to March, the second only January, and the third one failed early."""
    january: dict[str, Any] = {"measurement": "generation_data", "first_time": "2024-01-01T00:00:00Z"}
    first = item("wrong.parquet", "loaded", 3, **january, last_time="2024-03-01T00:00:00Z")
    second = item("wrong.parquet", "loaded", 2, written=1, **january, last_time="2024-01-02T00:00:00Z")
    put_items(ledger, first, second, item("wrong.parquet", "failed", 1, written=2))
    for month in ("2024-01", "2024-02", "2024-03"):
        register(ledger, "wrong", month, revision="2")
    register(ledger, "older", "2024-03")
    for _ in range(2):
        withdrawal = find_withdrawal(Deployment(STACK), NAME)
        assert withdrawal.older == [f"s3://{SOURCE}/dataset=generation/older.parquet"]
        withdraw(Deployment(STACK), withdrawal)
        assert {each["status"] for each in ledger_items(Deployment(STACK), NAME)} == {"skipped"}
        assert [each["version"] for each in ledger.scan()["Items"] if each.get("written")] == ["older/run"]


def test_a_load_that_begins_meanwhile_is_named_and_its_registrations_stay(
    ledger: "Table", database: StoringInflux
) -> None:
    put_loaded(ledger)
    register(ledger, "wrong", "2024-02")
    withdrawal = find_withdrawal(Deployment(STACK), NAME)
    put_items(ledger, {**withdrawal.item, "status": "claimed", "changed_at": "2999-01-01T00:00:00Z"})
    with pytest.raises(RefusedError, match=r"wrong\.parquet was loaded or claimed meanwhile.*run this command again"):
        withdraw(Deployment(STACK), withdrawal)
    assert [each["version"] for each in ledger.scan()["Items"] if each.get("written")] == ["wrong/run"]


def test_in_a_dataset_without_revisions_no_file_has_left_out_points(
    ledger: "Table", database: StoringInflux, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_loaded(ledger)
    register(ledger, "wrong", "2024-02", revision="2")
    register(ledger, "older", "2024-02")
    declare(monkeypatch, revision=None)
    assert find_withdrawal(Deployment(STACK), NAME).older == []


def test_a_load_without_registrations_has_nothing_to_withdraw(ledger: "Table", database: StoringInflux) -> None:
    put_loaded(ledger)
    with pytest.raises(NotFoundError, match="takes no precedence"):
        find_withdrawal(Deployment(STACK), NAME)
