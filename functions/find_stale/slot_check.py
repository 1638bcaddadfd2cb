"""The search for the stale points of one slot, or of the versions of one object."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.datasets import DATASETS
from shared.ledger import LedgerItem, bucket_and_key
from shared.registrations import months_of
from shared.settings import default_bucket, stale_pause_s, work_bucket
from shared.slots import replacing_dataset, slot_name
from shared.stale.ledger import datasets_of, items_near, latest_bucket_id, own_items, plans_of
from shared.stale.loads import Loads, ReplacedLoad, sort_loads
from shared.stale.plans import Footprints, Plan
from shared.stale.report import StaleReport
from shared.stale.search import Measurement, StaleSearch
from shared.stale.standing import standings
from shared.stale.summary import StaleSummary
from shared.times import utc_ns

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client


class SlotCheck:
    """The check of one slot; where files do not replace those of other keys, of one object.

    Args:
        client: The S3 client.
        table: The ledger.
        own: The item of one version, as it is or as it will be once its load is settled.
        now: The time.
        has_time: Returns whether time is left to read another footprint.
    """

    def __init__(
        self, client: "S3Client", table: "Table", own: LedgerItem, now: datetime, has_time: Callable[[], bool]
    ) -> None:
        self._has_time = has_time
        self._client, self._table, self._own, self._now = client, table, own, now
        self._footprints = Footprints(client, work_bucket())
        self._pause = timedelta(seconds=stale_pause_s())
        dataset = DATASETS[own["dataset"]]
        self._measurement = Measurement(
            dataset.influxdb_bucket or default_bucket(), dataset.measurement, latest_bucket_id([own])
        )
        self._slot = [own, *(item for item in own_items(table, own) if not _is_same(item, own))]

    @property
    def name(self) -> str:
        """The address of the object, or of the slot."""
        dataset, name = replacing_dataset(self._own["dataset"]), self._own["object"]
        return slot_name(*bucket_and_key(name), dataset).removeprefix("slot:") if dataset else name

    def replaces_another(self) -> bool:
        """Return whether the version replaced another one of its object, or an earlier attempt to load it.

        Older revisions are replaced by all files of the newer one together, once no more of them arrive.
        """
        name = self._own["object"]
        for item, standing in standings(self._slot, self._now, self._pause):
            if item["object"] == name and standing == "replaced":
                return True
        return bool(self._sort([self._own], self._plans([self._own])).replaced)

    def report_unsearched(self) -> StaleReport:
        """Return the report where nothing was replaced: it names what will be judged later. Reads no footprint."""
        results = standings(self._slot, self._now, self._pause)
        not_judged = [item["object"] for item, standing in results if standing == "not judged"]
        return StaleSummary().report(Loads([], [], [], [], not_judged, []))

    def search(self) -> StaleReport:
        """Return all stale points of the slot, or those that it found in time."""
        plans = self._plans(self._slot)
        near = self._items_near(self._sort(self._slot, plans).replaced)
        loads = self._sort([*self._slot, *near], {**plans, **self._plans(near)})
        summary, names = StaleSummary(), {item["object"] for item in self._slot}
        search = StaleSearch(self._client, work_bucket(), self._measurement, loads, has_time=self._has_time)
        summary.add(search.find(names.__contains__))
        report = summary.report(loads)
        return report if search.is_finished else {**report, "unfinished": True}

    def _plans(self, items: list[LedgerItem]) -> Mapping[str, list[Plan]]:
        return plans_of(self._footprints, items, in_bulk=False)

    def _sort(self, items: list[LedgerItem], plans: Mapping[str, list[Plan]]) -> Loads:
        return sort_loads(items, plans, self._now, self._pause)

    def _items_near(self, replaced: list[ReplacedLoad]) -> list[LedgerItem]:
        """Return the items of the other files that may have points of replaced loads."""
        bucket, name, _ = self._measurement
        months = {month for load in replaced for month in self._months(load)}
        datasets = datasets_of(name, bucket, default_bucket())
        return items_near(self._table, {item["object"] for item in self._slot}, months, datasets)

    def _months(self, load: ReplacedLoad) -> list[str]:
        """Return the months of a replaced load.

        The item of its version has the times of one attempt at most, so those of the others are in their footprints.
        """
        item = load.item
        if item.get("footprint") != load.plan.prefix or not item.get("first_time"):
            item = {**item, **self._times(load.plan)}  # type: ignore[typeddict-item]
        measurement = item.get("measurement") or self._measurement.name
        return months_of({**item, "measurement": measurement}, self._measurement.bucket)

    def _times(self, plan: Plan) -> dict[str, str]:
        # The search says whether it is complete.
        parts = self._footprints.read(plan._replace(calendar=""))
        ranges = [(int(part.points.time.min()), int(part.points.time.max())) for part in parts]
        if not ranges:
            return {"first_time": "", "last_time": ""}
        firsts, lasts = zip(*ranges, strict=True)
        return {"first_time": utc_ns(min(firsts)), "last_time": utc_ns(max(lasts))}


def _is_same(one: LedgerItem, other: LedgerItem) -> bool:
    return (one["object"], one["version"]) == (other["object"], other["version"])
