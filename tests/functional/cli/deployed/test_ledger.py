"""What the commands read of the ledger."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from cli.deployed.ledger import Entry, Filter, entries, filter_of, newest
from cli.deployed.stack import Deployment
from cli.times import parse_time
from tests.functional.conftest import SOURCE
from tests.support.ledger_entries import at, failed_item, item, put_items
from tests.support.scripted_aws import STACK

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


@pytest.mark.usefixtures("aws")
def test_a_prefix_is_in_the_source_bucket_unless_it_names_another() -> None:
    assert filter_of(Deployment(STACK), "a/").objects == f"s3://{SOURCE}/a/"
    assert filter_of(Deployment(STACK), "s3://other/a/").objects == "s3://other/a/"
    assert filter_of(Deployment(STACK), "") == Filter()


@pytest.mark.usefixtures("aws")
def test_only_entries_that_match_are_listed_the_last_change_first(ledger: "Table") -> None:
    put_items(ledger, item("a", "loaded", 3), failed_item("b", 2), item("c", "skipped", 1), failed_item("d", 90))
    deployment, recent = Deployment(STACK), parse_time("1h")
    keys = [entry.object[-1] for entry in entries(deployment, Filter(since=recent))]
    assert keys == ["c", "b", "a"]
    assert [entry.object[-1] for entry in entries(deployment, Filter(status="failed"))] == ["b", "d"]
    older = Filter(since=parse_time("1d"), until=parse_time("150s"))
    assert [entry.object[-1] for entry in entries(deployment, older)] == ["a", "d"]


@pytest.mark.usefixtures("aws")
def test_the_newest_version_is_the_one_written_last_not_the_one_changed_last(ledger: "Table") -> None:
    older, newer = item("a", "loaded", 1, version="v1", written=1), failed_item("a", 5, version="v2", written=2)
    put_items(ledger, older, newer)
    assert newest(Deployment(STACK), f"s3://{SOURCE}/dataset=generation/a").version_id == "v2"


def test_a_claim_is_abandoned_once_its_lease_has_ended() -> None:
    now = datetime.now(UTC)
    assert Entry.of_item(item("a", "claimed", 400, lease_until=at(1))).abandoned(now)
    assert not Entry.of_item(item("a", "claimed", 400, lease_until=at(-1))).abandoned(now)
    assert not Entry.of_item(failed_item("a", 400)).abandoned(now)
