"""Files that are rewritten, their items in the ledger as the state machine writes them, and the stale points."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from shared.footprints import Footprint
from shared.ledger import ledger
from shared.stale.ledger import every_item, plans_of
from shared.stale.loads import Loads, sort_loads
from shared.stale.plans import Footprints
from shared.stale.search import Measurement, StaleKind, StaleSearch
from tests.functional.conftest import WORK
from tests.support.builders import HOUR, START
from tests.support.ledger_entries import put_items
from tests.support.revised_files import File, Point, finish, item_of, put
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAUSE = timedelta(minutes=15)
MEASUREMENT = Measurement("ons", "generation_data")


class Rewrites:
    """Loads one after the other: each version is a second newer than the one before."""

    def __init__(self, s3: "S3Client", context: SimpleNamespace) -> None:
        self.s3, self._context, self._count = s3, context, 0

    def load(self, key: str, file: File, *, status: str = "loaded", **more: Any) -> StepwiseLoad:
        """Load the next version of a file. One that fails does so after its last write."""
        load = self.start(key, file)
        if status == "failed":
            for state in load.run():
                if state == "ConfirmWritten":
                    break
            load.fail()
        elif file:
            finish(load)
        else:
            load.report()
        self.settle(load, status, **more)
        return load

    def start(self, key: str, file: File) -> StepwiseLoad:
        """Put the next version of a file."""
        put(self.s3, key, file)
        return self.begin(key)

    def begin(self, key: str) -> StepwiseLoad:
        """Begin a load of the version that a file has now."""
        self._count += 1
        load = StepwiseLoad(self.s3, self._context, key, f"run-{self._count}")
        load.state["file"]["claim"]["last_modified"] += self._count
        return load

    def settle(self, load: StepwiseLoad, status: str, **more: Any) -> None:
        """Write the item of a version."""
        changed_at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=self._count)
        facts = {
            "status": status,
            "load_id": load.state["file"]["load_id"],
            "dataset": load.state["file"]["dataset"],
            "execution": load.state["execution"]["id"],
            "changed_at": f"{changed_at:%Y-%m-%dT%H:%M:%S.000Z}",
            "report": load.data.get("report", ""),
            "input_rows": load.state["file"]["rows"],
        }
        if status == "claimed":
            facts["lease_until"] = "2999-01-01T00:00:00Z"
        no_footprint = {"points": {}, "footprint": dict.fromkeys(("prefix", *_FOOTPRINT), "")}
        load.data = load.data or no_footprint
        points = {f"points_{fate}": count for fate, count in load.data["points"].items()}
        points["points_written"] = points.pop("points_stored", 0)
        put_items(ledger(), item_of(load) | facts | points | more)


_FOOTPRINT = ("measurement", "first_time", "last_time", "calendar")


def every_load(s3: "S3Client", *, now: datetime | None = None) -> Loads:
    """Return all loads of the dataset generation."""
    items = list(every_item(ledger(), MEASUREMENT.name, ["generation"]))
    plans = plans_of(Footprints(s3, WORK), items, in_bulk=True)
    return sort_loads(items, plans, now or datetime.now(UTC), PAUSE)


def search(s3: "S3Client", loads: Loads | None = None) -> StaleSearch:
    """Return a search in the measurement of the dataset generation."""
    return StaleSearch(s3, WORK, MEASUREMENT, loads or every_load(s3))


def stale(s3: "S3Client", kind: StaleKind = "stored") -> set[Point]:
    """Return the stale values. Each is listed once."""
    values = [value for part in search(s3).find() if part.kind == kind for value in values_of(part.points)]
    assert len(values) == len(set(values))
    return set(values)


def values_of(footprint: Footprint) -> Iterable[Point]:
    """Yield the values that a footprint has."""
    for number, time, fields in zip(*(column.tolist() for column in footprint.points), strict=True):
        region = dict(pair.split("=") for pair in footprint.series[number].split(",")[1:])["region"]
        for bit, name in enumerate(footprint.names):
            if fields >> bit & 1:
                yield region, (time // 1000 - START) // HOUR, name
