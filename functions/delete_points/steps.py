"""The steps of a deletion. Each call of `do_next_step` does one, and each can be repeated after a crash."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from functions.delete_points.judgment import PlannedPoints
from functions.delete_points.limits import reason_to_refuse, reason_to_stop
from functions.delete_points.lock import DeletionLock
from functions.delete_points.removals import (
    clear_removal,
    count_again,
    interrupted_deletion,
    later_removal,
    put_removal,
)
from functions.delete_points.request_step import RequestStep
from functions.delete_points.store import DeletionStore
from shared.deletion.records import FINAL, Deletion, DeletionState, DeletionStatus, RequestProgress
from shared.deletion.registration import (
    SETTLE_SECONDS,
    DeletionItem,
    DeletionRegistrations,
    loads_since,
    loads_to_wait_for,
)
from shared.influx import Influx
from shared.stale.records import StaleRecords
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

ENDED = ("done", "stopped")


class DeletionSteps:
    """The steps of one deletion. Tests shorten its waits by a factor."""

    def __init__(self, store: DeletionStore, table: "Table", influx: Influx, wait_factor: float = 1.0) -> None:
        self._store = store
        self._table = table
        self._influx = influx
        self._wait_factor = wait_factor
        self._deletion: Deletion = store.plan()
        deletion = self._deletion
        self._registrations = DeletionRegistrations(table, deletion["influxdb_bucket"], deletion["measurement"])
        self._lock = DeletionLock(table, deletion["influxdb_bucket"], deletion["measurement"], deletion["deletion"])

    def do_next(self, now: datetime) -> DeletionState:
        """Do the next step of the deletion, once no other invocation changes points of the measurement."""
        return self._store.end() or self._locked(self._delete_next, now)

    def restore_next(self, now: datetime) -> DeletionState:
        """Write one before-image back, once no other invocation changes points of the measurement."""
        return self._locked(self._restore_next, now)

    def _locked(self, step: Callable[[datetime], DeletionState], now: datetime) -> DeletionState:
        if holder := self._lock.acquire(now):
            return self._state("waiting", [holder])
        has_ended = False
        try:
            state = step(now)
            has_ended = state["status"] in FINAL
        finally:
            self._lock.release(has_ended=has_ended)
        return state

    def _delete_next(self, now: datetime) -> DeletionState:
        """Register the deletion, wait for loads, do one request, or end."""
        if end := self._store.end():
            return end
        item = self._register(now)
        if waits_for := self._running(item, now):
            return self._state("waiting", waits_for)
        newer = loads_since(self._table, item, self._deletion["datasets"], self._deletion["planned_at"])
        unfinished = [
            number
            for number, progress in enumerate(self._progress())
            if progress["status"] not in ENDED and (not newer or progress["status"] == "sent")
        ]
        if not unfinished:
            return self._end("outdated" if newer else "done", newer, now)
        is_sent = self._store.progress(unfinished[0])["status"] == "sent"
        if not is_sent and (reason := self._reason_to_stop()):
            return self._end("refused", [reason], now)
        self._step(unfinished[0]).run(may_delete=not newer)
        return self._state("running")

    def _reason_to_stop(self) -> str:
        stale_points = len(self._store.footprints().stale.points.time)
        return reason_to_refuse(self._deletion, stale_points) or reason_to_stop(self._deletion, self._progress())

    def _restore_next(self, now: datetime) -> DeletionState:
        """Write one before-image back. Before the first one, the points count as stale again."""
        if reason := self._reason_not_to_restore():
            return self._state("refused", [reason])
        item = self._register(now)
        if waits_for := self._running(item, now):
            return self._state("waiting", waits_for)
        progress = self._progress()
        left = [number for number, each in enumerate(progress) if "restored" not in each]
        if len(left) == len(progress):
            # From now on, the points count as stale again, also if the restore is never completed.
            clear_removal(self._store, self._deletion)
            count_again(self._store, StaleRecords(self._table), self._deletion, now)
        if left:
            self._step(left[0]).restore()
            return self._state("running")
        state = self._record_end(self._state("done"), now)
        self._forget_restore()
        return state

    def _reason_not_to_restore(self) -> str:
        if other := interrupted_deletion(self._store, self._deletion):
            return f"deletion {other} of the same measurement was interrupted: continue or restore it first"
        if later := later_removal(self._store, self._deletion):
            return f"deletion {later} removed some of the same points later: restore it first"
        return ""

    def _register(self, now: datetime) -> DeletionItem:
        requests = self._deletion["requests"]
        first, last = min(each["first_ns"] for each in requests), max(each["last_ns"] for each in requests)
        return self._registrations.register(self._deletion["deletion"], first, last, now)

    def _running(self, item: DeletionItem, now: datetime) -> list[str]:
        """Return what to wait for before anything is deleted."""
        settled_at = datetime.fromisoformat(item["registered_at"]) + timedelta(seconds=2 * SETTLE_SECONDS)
        if now < settled_at:
            return [f"the index of the ledger until {settled_at:%H:%M:%S} UTC"]
        return loads_to_wait_for(self._table, item, self._deletion["datasets"], now)

    def _step(self, number: int) -> RequestStep:
        planned = PlannedPoints(*self._store.footprints(), self._deletion["field_names"])
        return RequestStep(self._influx, self._store, self._deletion, planned, number, self._wait_factor)

    def _end(self, status: DeletionStatus, newer: list[str], now: datetime) -> DeletionState:
        """Record what was removed, and let loads go on."""
        put_removal(self._store, self._deletion)
        return self._record_end(self._state(status, newer), now)

    def _record_end(self, state: DeletionState, now: datetime) -> DeletionState:
        """Let the stale points be counted again, record the end, and let loads go on."""
        count_again(self._store, StaleRecords(self._table), self._deletion, now)
        self._store.put_end({**state, "ended_at": utc_seconds(now)})
        self._registrations.release(self._deletion["deletion"])
        return state

    def _forget_restore(self) -> None:
        """Let another restore write everything back again: points may have been deleted since."""
        for number, progress in enumerate(self._progress()):
            progress.pop("restored", None)
            self._store.put_progress(number, progress)

    def _progress(self) -> list[RequestProgress]:
        return [self._store.progress(number) for number in range(len(self._deletion["requests"]))]

    def _state(self, status: DeletionStatus, waits_for: list[str] | None = None) -> DeletionState:
        progress = self._progress()
        return {
            "status": status,
            "requests": len(progress),
            "finished": sum(each["status"] in ENDED for each in progress),
            "removed": sum(each["removed"] for each in progress),
            "rewritten": sum(each["rewritten"] for each in progress),
            "restored": sum(each.get("restored", 0) for each in progress),
            "expired": sum(each.get("expired", 0) for each in progress),
            "foreign": [text for each in progress for text in each["foreign"]],
            "doubts": list(dict.fromkeys(text for each in progress for text in each.get("doubts", []))),
            "seconds": sum(each["seconds"] for each in progress),
            "waits_for": waits_for or [],
        }
