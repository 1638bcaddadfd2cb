"""A deletion and a load never write to the same time of a measurement at once: each waits for the other."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared.deletion.registration import LEASE, DeletionItem, DeletionRegistrations, loads_since, loads_to_wait_for
from shared.errors import DeletionRunningError
from shared.times import utc_ledger
from tests.support.builders import HOUR, START
from tests.support.finished_load import StoringInflux
from tests.support.ledger_entries import item as ledger_item
from tests.support.revised_files import finish, hours, key_of, put, stored
from tests.support.slots import declare
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

FILE = hours("SE", 0, 10, 1.0)
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def load(s3: "S3Client", context: SimpleNamespace, server: StoringInflux) -> StepwiseLoad:
    put(s3, key_of(0, 1), FILE)
    return StepwiseLoad(s3, context, key_of(0, 1))


@pytest.fixture
def deletions(ledger: "Table") -> DeletionRegistrations:
    return DeletionRegistrations(ledger, "ons", "generation_data")


def register(deletions: DeletionRegistrations, first_hour: int, last_hour: int) -> DeletionItem:
    first, last = ((START + hour * HOUR) * 1000 for hour in (first_hour, last_hour))
    return deletions.register("d1", first, last, datetime.now(UTC))


@pytest.mark.parametrize("changes", [{}, {"revision": None}])
def test_a_load_waits_for_a_deletion_in_its_time_and_then_goes_on(
    load: StepwiseLoad,
    deletions: DeletionRegistrations,
    server: StoringInflux,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
) -> None:
    declare(monkeypatch, **changes)
    register(deletions, 9, 20)
    states = load.run()
    for state in states:
        if state == "RegisterLoad":
            break
    for _ in range(2):
        with pytest.raises(DeletionRunningError, match="deletion d1 removes stale points"):
            load.register()
    assert stored(server) == {}
    (item,) = deletions.active(datetime.now(UTC))
    assert item["waiting"] == {"run-1"}
    deletions.release("d1")
    for _ in states:
        pass
    assert stored(server) == FILE


@pytest.mark.parametrize("times", [(10, 20), (-5, -1)])
def test_a_load_does_not_wait_for_a_deletion_at_another_time(
    load: StepwiseLoad, deletions: DeletionRegistrations, server: StoringInflux, times: tuple[int, int]
) -> None:
    register(deletions, *times)
    finish(load)
    assert stored(server) == FILE


def test_a_load_does_not_wait_for_a_deletion_whose_registration_has_ended(
    load: StepwiseLoad, deletions: DeletionRegistrations, server: StoringInflux
) -> None:
    deletions.register("d1", 0, 2**62, datetime.now(UTC) - LEASE - timedelta(seconds=1))
    finish(load)
    assert stored(server) == FILE


def put_item(table: "Table", name: str, status: str, changed_at: datetime, **attributes: Any) -> None:
    """Add the item of a load whose execution has the name of its file."""
    lease = {"lease_until": "2024-06-02T00:00:00Z"} if status == "claimed" else {}
    times = {"changed_at": f"{changed_at:%Y-%m-%dT%H:%M:%SZ}", "execution": f"arn:aws:states:x:y:execution:l:{name}"}
    table.put_item(Item={**ledger_item(name, status, 1), **lease, **times, **attributes})


def test_a_deletion_waits_for_loads_that_were_claimed_before_it(ledger: "Table") -> None:
    deletions = DeletionRegistrations(ledger, "ons", "generation_data")
    item = deletions.register("d1", 0, 1, NOW)
    put_item(ledger, "before", "claimed", NOW - timedelta(hours=1))
    put_item(ledger, "after", "claimed", NOW + timedelta(seconds=30))
    put_item(ledger, "waits", "claimed", NOW - timedelta(hours=1))
    put_item(ledger, "abandoned", "claimed", NOW - timedelta(hours=9), lease_until="2024-06-01T11:00:00Z")
    put_item(ledger, "still writing", "failed", NOW - timedelta(minutes=4), points_unknown=1)
    put_item(ledger, "without a report", "failed", NOW - timedelta(minutes=4))
    put_item(ledger, "writes nothing more", "failed", NOW - timedelta(minutes=4), points_written=5, points_unknown=0)
    put_item(ledger, "failed long ago", "failed", NOW - timedelta(minutes=6))
    put_item(ledger, "another dataset", "claimed", NOW - timedelta(hours=1), dataset="consumption")
    put_item(ledger, "loaded", "loaded", NOW - timedelta(minutes=1))
    deletions.wait("d1", "waits")
    (item,) = deletions.active(NOW)
    names = loads_to_wait_for(ledger, item, ["generation"], NOW + timedelta(minutes=1))
    assert [name.rpartition(":")[2] for name in names] == ["before", "still writing", "without a report"]


def test_loads_in_the_time_of_a_deletion_since_its_plan_make_it_outdated(ledger: "Table") -> None:
    deletions = DeletionRegistrations(ledger, "ons", "generation_data")
    second = 10**9
    item = deletions.register("d1", 100 * second, 200 * second, NOW)
    inside = {"first_time": "1970-01-01T00:03:20.000000000Z", "last_time": "1970-01-01T00:05:00.000000000Z"}
    outside = {"first_time": "1970-01-01T00:03:20.000000001Z", "last_time": "1970-01-01T00:05:00.000000000Z"}
    item = deletions.register("d1", 100 * second, 200 * second, NOW)  # as the ledger has it
    put_item(ledger, "inside", "loaded", NOW, **inside)
    put_item(ledger, "outside", "loaded", NOW, **outside)
    put_item(ledger, "unknown time", "failed", NOW)
    put_item(ledger, "earlier", "loaded", NOW - timedelta(hours=2), **inside)
    planned_at = f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    objects = [name.rpartition("/")[2] for name in loads_since(ledger, item, ["generation"], planned_at)]
    assert objects == ["inside", "unknown time"]


def test_an_extended_registration_keeps_the_loads_that_wait(ledger: "Table") -> None:
    deletions = DeletionRegistrations(ledger, "ons", "generation_data")
    deletions.register("d1", 0, 1, NOW)
    deletions.wait("d1", "run-1")
    again = deletions.register("d1", 0, 1, NOW + timedelta(minutes=15))
    assert (again["waiting"], again["registered_at"]) == ({"run-1"}, "2024-06-01T12:00:00Z")
    assert [item["version"] for item in deletions.active(NOW + timedelta(minutes=30))] == ["d1"]
    anew = deletions.register("d1", 0, 1, NOW + timedelta(hours=1))
    assert "waiting" not in anew


def test_a_load_in_the_second_of_the_plan_counts_if_it_ended_after_it(ledger: "Table") -> None:
    deletions = DeletionRegistrations(ledger, "ons", "generation_data")
    item = deletions.register("d1", 0, 1, NOW)
    for name, fraction in (("before", ".400"), ("after", ".600"), ("whole second", "")):
        changed_at = f"{NOW:%Y-%m-%dT%H:%M:%S}{fraction}Z"
        ledger.put_item(Item={**ledger_item(name, "loaded", 1), "changed_at": changed_at})
    planned_at = utc_ledger(NOW + timedelta(milliseconds=500))
    objects = [name.rpartition("/")[2] for name in loads_since(ledger, item, ["generation"], planned_at)]
    assert objects == ["after", "whole second"]
