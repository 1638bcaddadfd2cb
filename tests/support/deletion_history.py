"""Histories of one measurement on a real engine, compared with a model after each step.

`History` takes each step with the real code: the search for stale points, the plan, and the steps of DeletePoints. Only
the loads are recorded without files.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from functions.delete_points.steps import DeletionSteps
from functions.delete_points.store import DeletionStore
from shared.deletion.plan import plan_deletion
from shared.deletion.records import FINAL, DeletionState
from shared.deletion.start import start_deletion
from shared.influx import Influx
from shared.series_keys import series_name
from shared.settings import influx_settings
from shared.stale.ledger import every_item, plans_of
from shared.stale.loads import sort_loads
from shared.stale.plans import Footprints
from shared.stale.search import Measurement, StaleSearch
from shared.stale.stale_set import stale_set
from tests.functional.conftest import WORK
from tests.support.influx_api import InfluxApi
from tests.support.killer import NEVER, Killer
from tests.support.recorded_loads import End, Value, item, put_load, values_of
from tests.support.stale_points import PAUSE
from tests.support.stored_model import Model, Values, Version

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

WRITTEN: Mapping[End, float] = {"loaded": 1, "failed before the first write": 0, "killed": 0.5}
"""The share of its values that a load has written at its end."""


class History:
    """A measurement with its loads, the points of other programs, and its deletions.

    Attributes:
        model: What InfluxDB must store.
        unfinished: The deletions that were planned and have not ended.
        removed: The values that each deletion removed that has ended.
        is_half_restored: Whether a restore was killed, so that values may be listed that are not stored yet.
    """

    def __init__(self, api: InfluxApi, s3: "S3Client", ledger: "Table", killer: Killer) -> None:
        self._api, self._s3, self._ledger, self._killer = api, s3, ledger, killer
        self._now = datetime(2024, 6, 1, tzinfo=UTC)
        self._influx = Influx(influx_settings())
        self._datasets = [f"{api.series}_{number}" for number in range(2)]
        self._items: list[Any] = []
        self._failed: dict[str, Values] = {}
        self.is_half_restored = False
        self.model = Model()
        self.unfinished: list[str] = []
        self.removed: dict[str, dict[Value, str]] = {}
        self._removed_before: set[Value] = set()

    def load(self, name: str, values: Values, end: End = "loaded") -> None:
        """Load the next version of a file. Those with a name in upper case are of another dataset."""
        self._now += timedelta(minutes=30)  # a load waits for deletions, which are active for a shorter time
        written = dict(islice(values.items(), int(len(values) * WRITTEN[end])))
        self._write(written)
        dataset = self._datasets[name.isupper()]
        load_id = put_load(self._s3, dataset, map(self._full, values), end, self._now)
        self._put(item(f"s3://b/{dataset}/{name}", dataset, load_id, self._now, end))
        self.model.load(name, Version(load_id, values, end == "loaded"), written)
        self._failed |= {name: values}
        if end == "loaded":
            del self._failed[name]

    def load_failed_files(self) -> None:
        """Load the files again whose newest version is not loaded."""
        for name, values in [*self._failed.items()]:
            self.load(name, values)

    def withdraw(self, name: str) -> None:
        """Withdraw all versions of a file."""
        self.model.versions.pop(name, None)
        self._failed.pop(name, None)
        for each in [each for each in self._items if each["object"].endswith(f"/{name}")]:
            self._put(each | {"status": "skipped", "message": "withdrawn with loader forget"})

    def undo(self, name: str) -> None:
        """Undo the newest version of a file, if it is loaded, and load again what it may have overwritten."""
        versions = self.model.versions.get(name)
        if not (versions and versions[-1].is_loaded):
            return
        self._now += timedelta(minutes=30)
        own = self._item(versions[-1].load_id)
        self._put(own | {"status": "undone", "load_ended_at": own["changed_at"], "changed_at": self._now.isoformat()})
        for version in self.model.undo(name):
            self._load_again(version)

    def _load_again(self, version: Version) -> None:
        """Load a version again, in an execution of its own."""
        self._now += timedelta(seconds=1)
        former, execution = self._item(version.load_id), f"run{self._now:%H%M%S}"
        dataset = former["dataset"]
        about: Any = {"load_id": version.load_id, "execution": execution}
        put_load(self._s3, dataset, map(self._full, version.values), "loaded", self._now, **about)
        self._write(version.values)
        self._put(item(former["object"], dataset, version.load_id, self._now, "loaded", execution=execution))
        self.model.stored |= version.values
        self.model.certain |= set(version.values)

    def write(self, values: Values) -> None:
        """Write points of another program."""
        self._write(values)
        self.model.stored |= values
        self.model.foreign |= set(values)

    def plan(self) -> str:
        """Plan the deletion of what is stale. Return its id, or "" if nothing is."""
        self._now += timedelta(seconds=1)
        points = stale_set(self._search())
        if not points.stale.series:
            return ""
        plan = plan_deletion(points.stale, points.current, shards=1, series=10)
        assert plan.refusal == ""
        deletion = start_deletion(
            self._s3,
            WORK,
            plan,
            points,
            influxdb_bucket=self._api.influx.bucket,
            measurement=self._api.series,
            datasets=self._datasets,
            planned_at=self._now,
            approval={"force": True, "reasons": [], "max_stale_rate": 1.0, "written": 0},
        )
        self.unfinished.append(deletion["deletion"])
        return deletion["deletion"]

    def delete(self, kill_at: int = NEVER) -> None:
        """Complete what was interrupted, then delete what is stale, or be killed."""
        with self._killer.kill_at(kill_at):
            for deletion in self.unfinished.copy():
                self._finish(deletion)
            if deletion := self.plan():
                state = self._finish(deletion)
                assert state["foreign"] or state["doubts"] or not self._stale()
        if self.unfinished:
            self._removed_before |= self._stale() - self._stored().keys()

    def restore(self, number: int, kill_at: int = NEVER) -> None:
        """Write everything back that one of the deletions removed, or be killed."""
        deletions = [*self.removed, *self.unfinished]
        if deletions:
            self._restore(deletions[number % len(deletions)], kill_at)

    def check(self) -> None:
        """Compare InfluxDB with the model, and its difference from the current files with what is listed as stale."""
        if self.unfinished:
            return
        assert self._stored() == self.model.stored
        listed, stale = self._listed(), self.model.stale()
        assert listed["stored"] >= self._stale()
        assert listed["stored"] | listed["uncertain"] >= stale
        assert self.is_half_restored or listed["stored"] == self._stale()

    def _restore(self, deletion: str, kill_at: int) -> None:
        before, state = self._stored(), None
        with self._killer.kill_at(kill_at):
            state = self._run(deletion, restore=True)
        stored, removed = self._stored(), self.removed.get(deletion, {})
        assert before.items() <= stored.items() <= (removed | self.model.stored).items()
        if state and state["status"] == "refused":
            assert stored == before
            assert self.unfinished or any(values for other, values in self.removed.items() if other != deletion)
        elif state:
            assert removed.keys() <= stored.keys()
            self.is_half_restored = False
            self.removed.setdefault(deletion, {})
            self.unfinished = [name for name in self.unfinished if name != deletion]
        else:
            self.is_half_restored = True
        back = {value: number for value, number in removed.items() if value in stored}
        self.model.stored = back | self.model.stored
        self.model.certain |= set(back)

    def _finish(self, deletion: str) -> DeletionState:
        """Do all steps of a deletion. It removes nothing but values that are certainly stored, and stale.

        A value that it removed before it was killed may since be one of a file that failed.
        """
        removed_before = self._removed_before - self._stored().keys()
        state = self._run(deletion, restore=False)
        stored, model = self._stored(), self.model
        removed = {value: number for value, number in model.stored.items() if value not in stored}
        assert removed.keys() <= self._stale() | removed_before
        assert stored == {value: number for value, number in model.stored.items() if value not in removed}
        model.stored = stored
        model.certain -= set(removed)
        self.unfinished.remove(deletion)
        self.removed[deletion] = removed
        return state

    def _stale(self) -> set[Value]:
        """Return the values that are stale and certainly stored: all that a deletion may remove."""
        return self.model.stale() & self.model.certain

    def _run(self, deletion: str, *, restore: bool) -> DeletionState:
        while True:
            steps = DeletionSteps(DeletionStore(self._s3, deletion), self._ledger, self._influx, wait_factor=0.005)
            state = (steps.restore_next if restore else steps.do_next)(self._now)
            if state["status"] in FINAL:
                return state
            if state["status"] == "waiting":
                self._now += timedelta(minutes=10)

    def _listed(self) -> dict[str, set[Value]]:
        listed: dict[str, set[Value]] = {"stored": set(), "uncertain": set()}
        for part in self._search().find():
            listed[part.kind] |= {self._short(value) for value in values_of(part.points)}
        return listed

    def _search(self) -> StaleSearch:
        items = list(every_item(self._ledger, self._api.series, self._datasets))
        plans = plans_of(Footprints(self._s3, WORK), items, in_bulk=True)
        place = Measurement(self._api.influx.bucket, self._api.series)
        return StaleSearch(self._s3, WORK, place, sort_loads(items, plans, self._now, PAUSE))

    def _item(self, load_id: str) -> Any:
        return next(each for each in self._items if each["load_id"] == load_id)

    def _put(self, item: Any) -> None:
        self._ledger.put_item(Item=item)
        self._items = [each for each in self._items if each["load_id"] != item["load_id"]] + [item]

    def _write(self, values: Values) -> None:
        lines = (f"{self._api.series}{tags} {field}={number} {time}" for (tags, time, field), number in values.items())
        assert not values or self._api.write("\n".join(lines).encode()).status_code == 204

    def _stored(self) -> dict[Value, str]:
        """Return all values of the measurement."""
        reply = self._api.query(f'SELECT * FROM "{self._api.series}" GROUP BY *')  # noqa: S608
        (result,) = json.loads(reply.text, parse_int=str)["results"]  # as an integer, -0 would lose its sign
        stored: dict[Value, str] = {}
        for series in result.get("series", []):
            tags = series_name("", tuple(series.get("tags", {}).items()))
            for time, *row in series["values"]:
                for name, number in zip(series["columns"][1:], row, strict=True):
                    if number is not None:
                        stored[tags, int(time), name] = repr(float(number))
        return stored

    def _full(self, value: Value) -> Value:
        return self._api.series + value[0], value[1], value[2]

    def _short(self, value: Value) -> Value:
        return value[0].removeprefix(self._api.series), value[1], value[2]
