"""A deletion on a real engine removes exactly the stale points, whatever fails in between."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from functions.delete_points.steps import DeletionSteps
from functions.delete_points.store import DeletionStore
from shared.errors import InfluxUnavailableError
from shared.influx import Influx
from shared.ledger import object_name
from shared.settings import influx_settings
from shared.stale.records import StaleRecords
from shared.times import utc_seconds
from tests.support.deletion import lines_of
from tests.support.deletion_trial import CASES, CURRENT, LATER, Trial, break_after, break_before, values
from tests.support.fault_proxy import Exchange, FaultProxy, pass_on
from tests.support.ledger_entries import item as ledger_item


@pytest.mark.parametrize("case", CASES)
def test_a_deletion_removes_the_stale_points_and_keeps_all_others(trial: Trial, case: str) -> None:
    deletion = trial.start(CASES[case], CURRENT)
    state = trial.finish(deletion)
    assert (state["status"], state["foreign"]) == ("done", [])
    assert state["removed"] == len(CASES[case])
    assert trial.stored() == CURRENT


def test_all_cases_at_once_leave_exactly_the_current_points(trial: Trial) -> None:
    stale = {key: value for case in CASES.values() for key, value in case.items()}
    assert trial.finish(trial.start(stale, CURRENT))["status"] == "done"
    assert trial.stored() == CURRENT


def test_a_request_that_would_remove_a_foreign_point_is_not_sent(trial: Trial, proxy: FaultProxy) -> None:
    foreign = values("plant=old\\ name,region=N,sensor=7", range(5, 6), 3)
    stale = values("plant=old\\ name,region=N", range(12)) | values("plant=gone,region=N", range(12))
    state = trial.finish(trial.start(stale, CURRENT, foreign))
    assert (state["status"], state["removed"], len(state["foreign"])) == ("done", 12, 1)
    assert "sensor=7" in state["foreign"][0]
    assert trial.stored() == CURRENT | foreign | values("plant=old\\ name,region=N", range(12))
    assert sum(b'"predicate"' in exchange.body for exchange in proxy.exchanges) == 1


def test_a_field_of_another_program_at_a_stale_point_is_foreign(trial: Trial) -> None:
    stale = values("plant=old,region=N", range(3))
    foreign = values("plant=old,region=N", range(1, 2), 8, "temperature")
    state = trial.finish(trial.start(stale, CURRENT, foreign))
    assert (state["removed"], len(state["foreign"])) == (0, 1)
    assert trial.stored() == CURRENT | stale | foreign


@pytest.mark.parametrize("case", ["an added tag", "a field that is gone"])
def test_a_restore_writes_everything_back_that_a_deletion_removed(trial: Trial, case: str) -> None:
    deletion = trial.start(CASES[case], CURRENT)
    assert trial.finish(deletion)["removed"] > 0
    newer = {next(iter(CURRENT)): 123.0}
    trial.api.write(lines_of(newer, trial.api.series))
    store = DeletionStore(trial.s3, deletion["deletion"])
    states = [
        DeletionSteps(store, trial.ledger, Influx(influx_settings())).restore_next(LATER + timedelta(seconds=30 * step))
        for step in range(3)
    ]
    assert [state["status"] for state in states] == ["waiting", "running", "done"]
    assert states[-1]["restored"] == len(CASES[case])
    assert trial.stored() == CURRENT | CASES[case] | newer


def test_what_is_stale_is_counted_again_after_a_deletion_and_after_its_restore(trial: Trial) -> None:
    """A check in between removes the record."""
    records = StaleRecords(trial.ledger)
    name = object_name("source", "dataset=generation/a")
    record: dict[str, str | int] = {"source": name, "source_version": "v", "checked_at": "", "due_at": ""}
    record |= {"points": 12, "series_count": 1, "not_checkable_count": 0}
    for dataset in ("generation", "consumption"):
        records.put({**record, "name": f"{name}-{dataset}", "dataset": dataset})  # type: ignore[typeddict-item]
    deletion = trial.start(CASES["an added tag"], CURRENT)
    trial.finish(deletion)
    due = {each["dataset"]: each["due_at"] for each in records.read()}
    assert due == {"generation": utc_seconds(LATER), "consumption": ""}
    records.remove(f"{name}-generation")
    steps = DeletionSteps(DeletionStore(trial.s3, deletion["deletion"]), trial.ledger, Influx(influx_settings()))
    for seconds in (0, 30, 60):
        state = steps.restore_next(LATER + timedelta(seconds=seconds))
    assert state["status"] == "done"
    again = {each["dataset"]: (each["due_at"], each["points"]) for each in records.read()}
    assert again["generation"] == (utc_seconds(LATER + timedelta(seconds=60)), 12)


def test_files_that_were_loaded_after_the_plan_stop_the_deletion(trial: Trial) -> None:
    stale = CASES["an added tag"]
    deletion = trial.start(stale, CURRENT)
    trial.ledger.put_item(Item=ledger_item("new", "loaded", 0) | {"changed_at": "2024-06-01T00:00:10Z"})
    state = trial.finish(deletion)
    assert (state["status"], state["removed"]) == ("outdated", 0)
    assert state["waits_for"] == [object_name("source", "dataset=generation/new")]
    assert trial.stored() == CURRENT | stale


def test_an_interrupted_request_is_completed_although_newer_files_were_loaded(trial: Trial, proxy: FaultProxy) -> None:
    """The current points that it had removed are written again, and nothing else is deleted."""
    deletion = trial.start(CASES["an added tag"] | CASES["a renamed plant"], CURRENT)
    trial.step(deletion, LATER - timedelta(seconds=30))
    while not any(b'"predicate"' in exchange.body for exchange in proxy.exchanges):
        proxy.set_faults(pass_on, pass_on, break_after)
        with pytest.raises(InfluxUnavailableError):
            trial.step(deletion)
    trial.ledger.put_item(Item=ledger_item("new", "loaded", 0) | {"changed_at": "2024-06-01T00:00:10Z"})
    states = [trial.step(deletion)["status"] for _ in range(3)]
    assert "outdated" in states
    assert trial.stored().items() >= CURRENT.items()


@pytest.mark.parametrize("fault", [break_before, break_after])
@pytest.mark.parametrize("request_number", range(6))
def test_no_current_point_is_missing_for_good_after_a_crash(
    trial: Trial, proxy: FaultProxy, fault: Callable[[Exchange], None], request_number: int
) -> None:
    """A read, that of the field types, the delete, the next read, the write and the last read each fail once."""
    stale = CASES["an added tag"] | CASES["a field that is gone"]
    deletion = trial.start(stale, CURRENT)
    assert trial.step(deletion, LATER - timedelta(seconds=30))["status"] == "waiting"

    def pass_silently(exchange: Exchange) -> None:
        exchange.send(exchange.forward())

    proxy.set_faults(*[pass_silently] * request_number, fault)
    with pytest.raises(InfluxUnavailableError):
        trial.step(deletion)
    assert proxy.fired_faults[-1] == fault.__name__
    states = [trial.step(deletion)["status"] for _ in range(4)]
    assert states[-1] == "done"
    assert trial.stored() == CURRENT
