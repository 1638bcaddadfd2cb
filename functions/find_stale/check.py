"""The check of what one version of a file replaced: the other versions of its object, and older revisions of its slot.

`check_load` runs before the load is settled, and judges it as if it were. `check_due` repeats the checks of slots that
could not be judged yet. Both record the result in the ledger.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.datasets import DATASETS
from shared.events import LoadState
from shared.ledger import LedgerItem, bucket_and_key
from shared.ledger_items import ItemKey, items_by_key
from shared.settings import default_bucket, stale_pause_s, work_bucket
from shared.slots import replacing_dataset, slot_name
from shared.stale.ledger import datasets_of, items_near, latest_bucket_id, own_items, plans_of
from shared.stale.loads import Loads, sort_loads
from shared.stale.plans import Footprints
from shared.stale.records import StaleRecords
from shared.stale.report import StaleReport
from shared.stale.search import Measurement, StaleSearch
from shared.stale.summary import StaleSummary
from shared.times import utc_ms, utc_seconds
from shared.work_bucket import footprint_prefix

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client


def check_load(client: "S3Client", table: "Table", load: LoadState, now: datetime) -> StaleReport:
    """Return what the version of a running load makes stale, once it is settled as loaded."""
    claim = load["file"]["claim"]
    key = ItemKey(claim["object"], claim["version"])
    own = _settled(items_by_key([key], table=table)[key], load, now)
    return _check(client, table, own, now)


def _settled(item: LedgerItem, load: LoadState, now: datetime) -> LedgerItem:
    """Return the item of a load as it will be when the load is settled."""
    file, execution = load["file"], load["execution"]["name"]
    settled: LedgerItem = {**item, "status": "loaded", "changed_at": utc_ms(now), "input_rows": file["rows"]}
    settled["footprint"] = footprint_prefix(file["dataset"], file["load_id"], execution)
    settled["bucket_id"] = load["health"].get("bucket_ids", {}).get(file["dataset"], "")
    # Those of the attempt before, which may have other points.
    settled.pop("first_time", None)
    settled.pop("last_time", None)
    return settled


def check_due(client: "S3Client", table: "Table", now: datetime) -> None:
    """Check the slots that are due: no file of their newest revision has arrived for a while."""
    due = [each for each in StaleRecords(table).read() if each["due_at"] and each["due_at"] <= utc_seconds(now)]
    keys = {each["name"]: ItemKey(each["source"], each["source_version"]) for each in due}
    items = items_by_key(keys.values(), table=table)
    for name, key in keys.items():
        if item := items.get(key):
            _check(client, table, item, now)
        else:
            StaleRecords(table).remove(name)


def _check(client: "S3Client", table: "Table", own: LedgerItem, now: datetime) -> StaleReport:
    """Return what a version made stale, and record it."""
    dataset, pause = DATASETS[own["dataset"]], timedelta(seconds=stale_pause_s())
    bucket = dataset.influxdb_bucket or default_bucket()
    datasets = datasets_of(dataset.measurement, bucket, default_bucket())
    slot = [own, *(item for item in own_items(table, own) if not _is_same(item, own))]
    items = [*slot, *items_near(table, slot, bucket, datasets)]
    loads = sort_loads(items, plans_of(Footprints(client, work_bucket()), items, in_bulk=False), now, pause)
    measurement = Measurement(bucket, dataset.measurement, latest_bucket_id([own]))
    summary, names = StaleSummary(), {item["object"] for item in slot}
    summary.add(StaleSearch(client, work_bucket(), measurement, loads).find(names.__contains__))
    report = summary.report(loads)
    _record(table, own, loads, report, now)
    return report


def _is_same(one: LedgerItem, other: LedgerItem) -> bool:
    return (one["object"], one["version"]) == (other["object"], other["version"])


def _name(item: LedgerItem) -> str:
    """Return the address of the slot of a file, or of the file where files do not replace those of other keys."""
    dataset = replacing_dataset(item["dataset"])
    return slot_name(*bucket_and_key(item["object"]), dataset).removeprefix("slot:") if dataset else item["object"]


def _record(table: "Table", own: LedgerItem, loads: Loads, report: StaleReport, now: datetime) -> None:
    due_at = utc_seconds(now + timedelta(seconds=stale_pause_s())) if loads.not_judged else ""
    StaleRecords(table).put(
        {
            "name": _name(own),
            "dataset": own["dataset"],
            "points": report["points"],
            "series_count": report["series_count"],
            "checked_at": utc_ms(now),
            "due_at": due_at,
            "source": own["object"],
            "source_version": own["version"],
        }
    )
