"""A deletion and a restore report exactly what they did, also when they are called again."""

from datetime import timedelta

import pytest

from functions.delete_points.removals import removal_key
from functions.delete_points.steps import DeletionSteps
from functions.delete_points.store import DeletionStore
from shared.deletion.records import Deletion
from shared.errors import InfluxUnavailableError
from shared.footprints import read_footprint
from shared.influx import Influx
from shared.settings import influx_settings
from tests.functional.conftest import WORK
from tests.support.deletion import lines_of
from tests.support.deletion_trial import CASES, CURRENT, LATER, Trial, break_after, values
from tests.support.fault_proxy import FaultProxy, pass_on
from tests.support.ledger_entries import item as ledger_item

REMOVED_ROWS = CASES["removed rows"]


def removed_points(trial: Trial, deletion: Deletion) -> int:
    """Return how many points the search for stale points does not count any more."""
    content = trial.s3.get_object(Bucket=WORK, Key=removal_key(deletion))["Body"].read()
    return len(read_footprint(content).points.time)


def test_another_restore_writes_back_what_was_deleted_since(trial: Trial) -> None:
    deletion = trial.start(REMOVED_ROWS, CURRENT)
    trial.finish(deletion)
    assert trial.restore(deletion)["restored"] == len(REMOVED_ROWS)
    trial.api.query(f"DELETE FROM \"{trial.api.series}\" WHERE plant='a'")  # noqa: S608
    missing = len(CURRENT | REMOVED_ROWS) - len(trial.stored())
    assert trial.restore(deletion)["restored"] == len(REMOVED_ROWS)
    assert missing == len(REMOVED_ROWS) + 12
    assert trial.stored().items() >= REMOVED_ROWS.items()


def test_a_deletion_that_stops_in_the_middle_reports_the_points_that_it_removed(
    trial: Trial, proxy: FaultProxy
) -> None:
    deletion = trial.start(REMOVED_ROWS, CURRENT)
    trial.step(deletion, LATER - timedelta(seconds=30))
    proxy.set_faults(pass_on, pass_on, break_after)
    with pytest.raises(InfluxUnavailableError):
        trial.step(deletion)
    foreign = values("plant=a,region=N,sensor=7", range(21, 22))
    one = dict([next(iter(REMOVED_ROWS.items()))])
    trial.api.write(lines_of(foreign | one, trial.api.series))
    state = [trial.step(deletion) for _ in range(2)][-1]
    assert (state["status"], state["removed"], len(state["foreign"])) == ("done", len(REMOVED_ROWS) - 1, 1)
    assert removed_points(trial, deletion) == len(REMOVED_ROWS) - 1
    assert trial.stored() == CURRENT | foreign | one
    assert trial.restore(deletion)["restored"] == len(REMOVED_ROWS) - 1
    assert removed_points(trial, deletion) == 0


def test_an_outdated_deletion_stays_outdated(trial: Trial) -> None:
    deletion = trial.start(REMOVED_ROWS, CURRENT)
    trial.ledger.put_item(Item=ledger_item("new", "loaded", 0) | {"changed_at": "2024-06-01T00:00:10Z"})
    ends = [trial.finish(deletion), trial.step(deletion)]
    assert [(end["status"], len(end["waits_for"])) for end in ends] == [("outdated", 1)] * 2


def test_a_restore_waits_for_that_of_a_later_deletion_of_the_same_points(trial: Trial) -> None:
    """The first one removed and rewrote current points, which the second one removed as stale."""
    shared_points = values("operator=x,plant=b,region=N", range(12), 50)
    first = trial.start(CASES["an added tag"], CURRENT)
    trial.finish(first)
    second = trial.start(shared_points, values("plant=a,region=N", range(12)))
    trial.finish(second)
    state = trial.restore(first)
    assert (state["status"], second["deletion"] in state["waits_for"][0]) == ("refused", True)
    assert trial.restore(second)["status"] == "done"
    assert trial.restore(first)["status"] == "done"
    assert trial.stored() == CURRENT | CASES["an added tag"]


def test_a_restore_waits_for_another_deletion_that_was_interrupted(trial: Trial) -> None:
    """The other one would report points as removed that the restore writes back."""
    first, second = trial.start(REMOVED_ROWS, CURRENT), trial.start(CASES["a renamed plant"] | REMOVED_ROWS, CURRENT)
    trial.finish(first)
    trial.api.write(lines_of(REMOVED_ROWS, trial.api.series))
    trial.step(second, LATER - timedelta(seconds=30))
    trial.step(second)
    steps = DeletionSteps(DeletionStore(trial.s3, first["deletion"]), trial.ledger, Influx(influx_settings()))
    state = steps.restore_next(LATER + timedelta(minutes=30))
    assert (state["status"], second["deletion"] in state["waits_for"][0]) == ("refused", True)
