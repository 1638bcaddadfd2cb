"""A withdrawal finds the registrations of a load in all of its months, and the older files with points in its time."""

from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.stack import Deployment
from cli.deployed.withdrawal import find_withdrawal, withdraw
from cli.errors import NotFoundError
from shared.registrations import Registrations, month_name
from tests.functional.conftest import SOURCE
from tests.support.finished_load import StoringInflux
from tests.support.ledger_entries import item, put_items
from tests.support.scripted_aws import STACK

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


def test_a_load_without_registrations_has_nothing_to_withdraw(ledger: "Table", database: StoringInflux) -> None:
    put_loaded(ledger)
    with pytest.raises(NotFoundError, match="takes no precedence"):
        find_withdrawal(Deployment(STACK), NAME)
