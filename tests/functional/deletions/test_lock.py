"""Only one deletion of a measurement, and one call of it, changes points at a time."""

from datetime import timedelta

from functions.delete_points.lock import DeletionLock
from shared.deletion.records import DeletionState
from tests.support.deletion_trial import CASES, CURRENT, LATER, Trial
from tests.support.fault_proxy import Exchange, FaultProxy, pass_on


def test_two_deletions_of_one_measurement_never_run_at_once(trial: Trial, proxy: FaultProxy) -> None:
    """The second one is called after the delete of the first one, before its current points are written again."""
    first, second = (trial.start(CASES["an added tag"], CURRENT) for _ in range(2))
    trial.step(first, LATER - timedelta(seconds=30))
    states: list[DeletionState] = []

    def call_again(exchange: Exchange) -> None:
        reply = exchange.forward()
        if b'"predicate"' in exchange.body:
            states.extend(trial.step(deletion) for deletion in (second, first))
        exchange.send(reply)

    proxy.always = call_again
    assert trial.step(first)["status"] == "running"
    assert [state["status"] for state in states] == ["waiting", "waiting"]
    assert f"deletion {first['deletion']} of the same measurement" in states[0]["waits_for"][0]
    assert "another call of this deletion" in states[1]["waits_for"][0]
    proxy.always = pass_on
    assert trial.step(second)["status"] == "waiting"
    assert trial.step(first)["status"] == "done"
    assert trial.finish(second)["status"] == "done"
    assert trial.stored() == CURRENT


def test_a_call_that_was_killed_keeps_others_waiting_no_longer_than_it_can_run(trial: Trial) -> None:
    deletion, other = (trial.start(CASES["an added tag"], CURRENT) for _ in range(2))
    place = deletion["influxdb_bucket"], deletion["measurement"]
    assert DeletionLock(trial.ledger, *place, deletion["deletion"]).acquire(LATER) == ""
    assert trial.step(deletion, LATER + timedelta(minutes=14))["waits_for"][0].startswith("another call")
    assert trial.step(deletion, LATER + timedelta(minutes=15))["waits_for"][0].startswith("the index of the ledger")
    assert trial.step(other, LATER + timedelta(minutes=34))["waits_for"][0].startswith("deletion ")
    assert trial.step(other, LATER + timedelta(minutes=35))["waits_for"][0].startswith("the index of the ledger")
