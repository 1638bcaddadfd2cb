"""A deletion on a real engine removes exactly the stale points, whatever fails in between."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from functions.delete_points.steps import DeletionSteps
from functions.delete_points.store import DeletionStore
from local.influxdb.server import LocalInfluxdb
from shared.deletion.plan import plan_deletion
from shared.deletion.records import Deletion, DeletionState
from shared.deletion.start import start_deletion
from shared.errors import InfluxUnavailableError
from shared.influx import Influx
from shared.ledger import object_name
from shared.settings import influx_settings
from tests.functional.conftest import WORK
from tests.support.deletion import Values, footprint_of, lines_of, stored_values
from tests.support.fault_proxy import Exchange, FaultProxy, fault_proxy, pass_on
from tests.support.influx_api import InfluxApi
from tests.support.ledger_entries import item as ledger_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

PLANNED_AT = datetime(2024, 6, 1, tzinfo=UTC)
LATER = PLANNED_AT + timedelta(minutes=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalInfluxdb]:
    with LocalInfluxdb(tmp_path_factory.mktemp("influxdb")) as influxdb:
        yield influxdb


@pytest.fixture
def api(engine: LocalInfluxdb) -> Iterator[InfluxApi]:
    """The engine without points of earlier tests."""
    api = InfluxApi(engine.target)
    yield api
    api.query(f'DROP MEASUREMENT "{api.series}"')


@pytest.fixture
def proxy(engine: LocalInfluxdb, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy through which the function reaches the engine."""
    target = engine.target
    with fault_proxy(target.url, is_target=lambda _: True) as proxy:
        values = {"URL": proxy.url, "ORG": target.org, "BUCKET": target.bucket, "TOKEN": target.token}
        for name, value in values.items():
            monkeypatch.setenv(f"INFLUXDB_{name}", value)
        yield proxy


class Trial:
    """A measurement with stale, current and foreign values, and the deletion of the stale ones."""

    def __init__(self, api: InfluxApi, s3: "S3Client", ledger: "Table") -> None:
        self.api, self.s3, self.ledger = api, s3, ledger

    def start(self, stale: Values, current: Values, foreign: Values | None = None) -> Deletion:
        """Store all values, and the plan that deletes the stale ones."""
        for values in (stale, current, foreign or {}):
            assert not values or self.api.write(lines_of(values, self.api.series)).status_code == 204
        footprints = footprint_of(stale, self.api.series), footprint_of(current, self.api.series)
        plan = plan_deletion(*footprints, shards=1, series=10)
        assert plan.refusal == ""
        return start_deletion(
            self.s3,
            WORK,
            plan,
            *footprints,
            influxdb_bucket=self.api.influx.bucket,
            measurement=self.api.series,
            datasets=["generation"],
            planned_at=PLANNED_AT,
        )

    def step(self, deletion: Deletion, now: datetime = LATER) -> DeletionState:
        store = DeletionStore(self.s3, deletion["deletion"])
        return DeletionSteps(store, self.ledger, Influx(influx_settings())).do_next(now)

    def finish(self, deletion: Deletion) -> DeletionState:
        """Call the function until the deletion has ended; the first call only registers it."""
        assert self.step(deletion, LATER - timedelta(seconds=30))["status"] == "waiting"
        for _ in range(30):
            state = self.step(deletion)
            if state["status"] != "running":
                return state
        raise AssertionError(state)

    def stored(self) -> Values:
        return stored_values(self.api)


@pytest.fixture
def trial(api: InfluxApi, proxy: FaultProxy, s3: "S3Client", ledger: "Table") -> Trial:
    return Trial(api, s3, ledger)


def values(tags: str, hours: Iterator[int] | range, value: float = 1.0, field: str = "power_mw") -> Values:
    return {(tags, hour, field): value + hour for hour in hours}


CURRENT = values("plant=a,region=N", range(12)) | values("operator=x,plant=b,region=N", range(12), 50)
CASES: Mapping[str, Values] = {
    "removed rows": values("plant=a,region=N", range(20, 24), 9),
    "a renamed plant": values("plant=old\\ name,region=N", range(12), 9),
    "an added tag": values("plant=b,region=N", range(12), 9),
    "a removed tag": values("operator=y,plant=a,region=N", range(12), 9),
    "a field that is gone": values("plant=a,region=N", range(3, 6), 9, "efficiency"),
    "a shorter tag set": values("region=N", range(4, 6), 9),
}


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
        proxy.set_faults(pass_on, break_after)
        with pytest.raises(InfluxUnavailableError):
            trial.step(deletion)
    trial.ledger.put_item(Item=ledger_item("new", "loaded", 0) | {"changed_at": "2024-06-01T00:00:10Z"})
    states = [trial.step(deletion)["status"] for _ in range(3)]
    assert "outdated" in states
    assert trial.stored().items() >= CURRENT.items()


def break_before(exchange: Exchange) -> None:
    """Reset the connection without forwarding the request."""
    exchange.read()
    exchange.reset()


def break_after(exchange: Exchange) -> None:
    """Forward the request, but reset the connection instead of replying."""
    exchange.forward()
    exchange.reset()


@pytest.mark.parametrize("fault", [break_before, break_after])
@pytest.mark.parametrize("request_number", range(5))
def test_no_current_point_is_missing_for_good_after_a_crash(
    trial: Trial, proxy: FaultProxy, fault: Callable[[Exchange], None], request_number: int
) -> None:
    """The second read, the delete, the third read, the write and the last read each fail once."""
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
