"""The check of what one version of a file replaced: the other versions of its object, and older revisions of its slot.

`check_load` runs before the load is settled, and judges it as if it were. What it records is counted again after a
while, since the load may still fail. `check_due` counts again what is due: such loads, slots that could not be judged
yet, and what a deletion or a restore changed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from functions.find_stale.slot_check import SlotCheck
from shared.events import LoadState
from shared.ledger import LedgerItem
from shared.ledger_items import ItemKey, items_by_key
from shared.logs import logger
from shared.settings import stale_pause_s
from shared.slots import is_running
from shared.stale.records import StaleCounts, StaleRecord, StaleRecords
from shared.stale.report import StaleReport
from shared.times import utc_ms, utc_seconds
from shared.work_bucket import footprint_prefix

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

RETRY_AFTER = timedelta(hours=1)
"""When to repeat a check that failed or was killed. Until then, it does not delay the checks of other files."""

NOT_CHECKABLE_AFTER = timedelta(days=1)
"""When to repeat a check that had to compare with a file without a footprint, which a person has to make, or that was
not finished in time.
"""

MIN_REMAINING_MS = 300_000
"""The time that must be left to begin another check: half of the timeout, which few checks need."""

END_MS = 30_000
"""The time that must be left to read another footprint: enough to compare it, and to report what was found."""


def check_load(
    client: "S3Client", table: "Table", load: LoadState, now: datetime, remaining_ms: Callable[[], int]
) -> StaleReport:
    """Return what the version of a running load makes stale, once it is settled as loaded."""
    claim = load["file"]["claim"]
    key = ItemKey(claim["object"], claim["version"])
    own = _settled(items_by_key([key], table=table)[key], load, now)
    check = SlotCheck(client, table, own, now, lambda: remaining_ms() > END_MS)
    records = StaleRecords(table)
    former, later = records.find(check.name), now + timedelta(seconds=stale_pause_s())
    if check.replaces_another():
        report = check.search()
        record = _record(own, check, report, former, now)
        if record["points"] or former:
            # The load may fail before it is settled.
            record["due_at"] = record["due_at"] or utc_seconds(later)
        records.put(record)
        return report
    report = check.report_unsearched()
    if former or report["not_judged"]:
        record = _record(own, check, report, former, now)
        records.put({**record, **_counts(former), "due_at": utc_seconds(later)})
    return report


def _settled(item: LedgerItem, load: LoadState, now: datetime) -> LedgerItem:
    """Return the item of a load as it will be when the load is settled."""
    file, execution = load["file"], load["execution"]["name"]
    settled: LedgerItem = {**item, "status": "loaded", "changed_at": utc_ms(now), "input_rows": file["rows"]}
    settled["footprint"] = footprint_prefix(file["dataset"], file["load_id"], execution)
    settled["bucket_id"] = load["health"].get("bucket_ids", {}).get(file["dataset"], "")
    # Those of the attempt before, which may have other points.
    settled.pop("first_time", None)
    settled.pop("last_time", None)
    settled.pop("calendar", None)
    return settled


def check_due(client: "S3Client", table: "Table", now: datetime, remaining_ms: Callable[[], int]) -> None:
    """Check the slots that are due, those first that have been due for longest, while there is time.

    An error is logged, and concerns one slot only. A record is due later before its check begins, so that a check that
    takes too long does not come first again.
    """
    records = StaleRecords(table)
    due = [each for each in records.read() if each["due_at"] and each["due_at"] <= utc_seconds(now)]
    for record in sorted(due, key=lambda each: each["due_at"]):
        if remaining_ms() <= MIN_REMAINING_MS:
            logger.warning("checks of stale points are left for the next sweep")
            return
        records.make_due(record, now + RETRY_AFTER)
        try:
            _check_again(client, table, record, now, lambda: remaining_ms() > END_MS)
        except Exception:  # noqa: BLE001 - whatever it is, it must not keep the others from being checked
            logger.exception("check of stale points failed", slot=record["name"])


def _check_again(
    client: "S3Client", table: "Table", record: StaleRecord, now: datetime, has_time: Callable[[], bool]
) -> None:
    """Count the stale points of a record again."""
    records, key = StaleRecords(table), ItemKey(record["source"], record["source_version"])
    item = items_by_key([key], table=table).get(key)
    if item is None:
        records.remove(record["name"])
    elif is_running(item, now):
        # Nothing is replaced before the load is settled.
        records.make_due(record, now + timedelta(seconds=stale_pause_s()))
    else:
        check = SlotCheck(client, table, item, now, has_time)
        records.put(_record(item, check, check.search(), record, now))


def _record(
    own: LedgerItem, check: SlotCheck, report: StaleReport, former: StaleRecord | None, now: datetime
) -> StaleRecord:
    """Return the record of a check. If nothing was checkable, or not all in time, it keeps the former counts."""
    is_complete = not (report["not_checkable_count"] or report.get("unfinished"))
    pause = timedelta(seconds=stale_pause_s()) if report["not_judged"] else None
    delay = pause if is_complete else NOT_CHECKABLE_AFTER
    record: StaleRecord = {
        "name": check.name,
        "dataset": own["dataset"],
        "points": report["points"],
        "series_count": report["series_count"],
        "checked_at": utc_ms(now),
        "due_at": utc_seconds(now + delay) if delay else "",
        "source": own["object"],
        "source_version": own["version"],
        "not_checkable_count": report["not_checkable_count"],
    }
    return record if is_complete else {**record, **_counts(former)}


def _counts(former: StaleRecord | None) -> StaleCounts:
    """Return the counts of a record, which are 0 if there is none."""
    if former is None:
        return {"points": 0, "series_count": 0}
    return {"points": former["points"], "series_count": former["series_count"]}
