"""Which versions lack a footprint."""

from typing import TYPE_CHECKING

import pytest

from cli.deployed.footprints import items_without_footprint
from cli.deployed.ledger import Filter
from cli.deployed.stack import Deployment
from shared.settings import STACK_NAME
from tests.support.ledger_entries import failed_item, item, put_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


@pytest.mark.usefixtures("aws")
def test_loaded_and_failed_versions_without_a_footprint_are_listed(ledger: "Table") -> None:
    put_items(ledger, item("a", "loaded", 1), item("b", "loaded", 1, footprint="footprints/x/"), failed_item("c", 1))
    put_items(ledger, item("d", "skipped", 1), item("e", "claimed", 1))
    names = [each["object"].rpartition("/")[2] for each in items_without_footprint(Deployment(STACK_NAME), Filter())]
    assert names == ["a", "c"]
