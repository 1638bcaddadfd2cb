"""Which loads lack their registrations."""

from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.registrations import register, unregistered
from cli.deployed.stack import Deployment
from shared.registrations import Registrations, month_name
from shared.settings import STACK_NAME
from tests.support.ledger_entries import item
from tests.support.slots import declare

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


def item_of(load: Any, name: str, **more: Any) -> Any:
    """Return an item with the footprint of the load."""
    facts = {name: load["footprint"][name] for name in ("measurement", "first_time", "last_time", "calendar")}
    return item(name, "loaded", 1, load_id=load["load_id"], footprint=load["footprint"]["prefix"], **facts, **more)


def test_the_newest_version_of_each_object_is_registered_once(ledger: "Table", load: Any) -> None:
    deployment = Deployment(STACK_NAME)
    items = [item_of(load, "a", written=1), item_of(load, "a", written=2, bucket_id="b1"), item("b", "loaded", 1)]
    [newest] = unregistered(deployment, items)
    assert newest == items[1]
    register(deployment, newest)
    assert list(unregistered(deployment, items)) == []
    [registered] = Registrations(ledger).read(month_name("ons", "generation_data", "2024-01"))
    assert (registered["written"], registered["active_until"], registered["bucket_id"]) == (True, "", "b1")
    assert (registered["source"], registered["last_modified"]) == (newest["object"], 2)


@pytest.mark.usefixtures("ledger")
def test_datasets_without_revisions_need_no_registration(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, revision=None)
    assert list(unregistered(Deployment(STACK_NAME), [item_of(load, "a")])) == []
