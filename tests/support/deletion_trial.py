"""A deletion on a real engine: the points to begin with, and the steps of DeletePoints."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from functions.delete_points.steps import DeletionSteps
from functions.delete_points.store import DeletionStore
from shared.deletion.plan import plan_deletion
from shared.deletion.records import Deletion, DeletionState
from shared.deletion.start import start_deletion
from shared.influx import Influx
from shared.settings import influx_settings
from shared.stale.stale_set import StaleSet
from tests.functional.conftest import WORK
from tests.support.deletion import Values, footprint_of, lines_of, stored_values
from tests.support.fault_proxy import Exchange
from tests.support.influx_api import InfluxApi

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

PLANNED_AT = datetime(2024, 6, 1, tzinfo=UTC)
LATER = PLANNED_AT + timedelta(minutes=1)


class Trial:
    """A measurement with stale, current and foreign values, and the deletion of the stale ones."""

    def __init__(self, api: InfluxApi, s3: "S3Client", ledger: "Table") -> None:
        self.api, self.s3, self.ledger = api, s3, ledger
        self.wait_factor = 0.01

    def start(
        self,
        stale: Values,
        current: Values,
        foreign: Values | None = None,
        optional: Values | None = None,
        approval: Mapping[str, object] | None = None,
    ) -> Deletion:
        """Store all values, and the plan that deletes the stale ones. Those of the optional ones are not stored."""
        for values in (stale, current, foreign or {}):
            assert not values or self.api.write(lines_of(values, self.api.series)).status_code == 204
        kept = current | (optional or {})
        points = StaleSet(*(footprint_of(each, self.api.series) for each in (stale, kept, optional or {})))
        plan = plan_deletion(points.stale, points.current, shards=1, series=10)
        assert plan.refusal == ""
        return start_deletion(
            self.s3,
            WORK,
            plan,
            points,
            influxdb_bucket=self.api.influx.bucket,
            measurement=self.api.series,
            datasets=["generation"],
            planned_at=PLANNED_AT,
            approval={"force": True, "reasons": [], "max_stale_rate": 1.0, "written": 0, **(approval or {})},  # type: ignore[typeddict-item]
        )

    def step(self, deletion: Deletion, now: datetime = LATER) -> DeletionState:
        return self._steps(deletion).do_next(now)

    def restore(self, deletion: Deletion) -> DeletionState:
        """Write everything back that a deletion removed."""
        for seconds in (-30, *[0] * 30):
            state = self._steps(deletion).restore_next(LATER + timedelta(seconds=seconds))
            if state["status"] not in ("waiting", "running"):
                return state
        raise AssertionError(state)

    def _steps(self, deletion: Deletion) -> DeletionSteps:
        store = DeletionStore(self.s3, deletion["deletion"])
        return DeletionSteps(store, self.ledger, Influx(influx_settings()), self.wait_factor)

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


def values(tags: str, hours: Iterable[int], value: float = 1.0, field: str = "power_mw") -> Values:
    """Return a value for each of some hours."""
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


def break_before(exchange: Exchange) -> None:
    """Reset the connection without forwarding the request."""
    exchange.read()
    exchange.reset()


def break_after(exchange: Exchange) -> None:
    """Forward the request, but reset the connection instead of replying."""
    exchange.forward()
    exchange.reset()
