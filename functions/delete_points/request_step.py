"""One request of a deletion: save, delete, write again, and read back.

The steps are in an order in which a crash loses nothing:

1. Read what is stored in the range, and merge it into the before-image, which has what an earlier attempt removed.
2. If any of it is foreign, or it lacks what footprints have, stop. What an earlier attempt removed is written again in
   any case. Points that are older than the bucket's retention period may be missing.
3. Store the before-image. Then record that the request is sent, and send it.
4. Write again the current points that are missing now, and read them back.

A request without an answer may be done in part, and may still be running. So the next attempt, or a restore, waits for
twice the time-out since it was sent, and begins when two readings agree. If they do not for a while, nothing is
deleted. A value that is stored is never written over: a newer file may have sent it.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from functions.delete_points.before_image import Mask, fields_of, merge_images, select_fields, stored_fields
from functions.delete_points.deletes import delete_range
from functions.delete_points.field_types import type_doubts
from functions.delete_points.judgment import PlannedPoints, examples
from functions.delete_points.retention import oldest_kept_ns
from functions.delete_points.rewriting import Rewritten, with_rewritten, write_missing
from functions.delete_points.settling import read_settled
from functions.delete_points.store import DeletionStore
from functions.delete_points.stored_points import PointQuery, StoredRange, read_range
from shared.deletion.records import Deletion, RequestProgress, StoredRequest
from shared.errors import InfluxUnavailableError
from shared.influx import Influx
from shared.influx_answers import interpret
from shared.series_keys import Tags
from shared.times import utc_seconds

SLOWER = 3
"""How many times as long as estimated a request may take. Then it counts as unanswered."""

MIN_TIMEOUT_S = 30.0
MAX_TIMEOUT_S = 200.0
"""The bounds of the time-out of a request: three of them, the readings and the writes fit into one invocation."""

MAX_TEXTS = 5
"""How many foreign points or doubts to record."""


class RequestStep(NamedTuple):
    """What a request works with. Tests shorten its waits by a factor."""

    influx: Influx
    store: DeletionStore
    deletion: Deletion
    planned: PlannedPoints
    number: int
    wait_factor: float = 1.0

    @property
    def request(self) -> StoredRequest:
        """The request."""
        return self.deletion["requests"][self.number]

    @property
    def tags(self) -> Tags:
        """The tags of its predicate."""
        return tuple((tag, value) for tag, value in self.request["tags"])

    @property
    def timeout_s(self) -> float:
        """The time-out of the request, which is longer than it is estimated to take."""
        return min(MAX_TIMEOUT_S, max(MIN_TIMEOUT_S, SLOWER * self.deletion["seconds"]))

    def run(self, *, may_delete: bool = True) -> RequestProgress:
        """Do the request, or complete it. Without `may_delete`, only write again what an earlier attempt removed.

        Raises:
            InfluxUnavailableError: InfluxDB did not answer. The next call continues.
        """
        progress = self.store.progress(self.number)
        former = self.store.image(self.number)
        stored, doubts = self._read_settled(progress)
        judgment = self.planned.judge(stored.image)
        image = merge_images(former, stored.image) if former else stored.image
        foreign = [*examples(stored.image, judgment.foreign), *stored.unknown]
        doubts += self._doubts(image) if may_delete else []
        if foreign or doubts or not may_delete:
            stopped: RequestProgress = {**progress, "status": "stopped", "foreign": foreign, "doubts": doubts}
            return self._put_stopped(stopped, image, stored.image, was_sent=former is not None)
        if not self.planned.judge(image).stale.any():
            # InfluxDB has dropped all of its stale points, since they are older than the retention period.
            return self._record({**progress, "status": "done"})
        self.store.put_image(self.number, image)
        progress = self._record({**progress, "status": "sent", "sent_at": utc_seconds(datetime.now(UTC))})
        return self._complete({**progress, "seconds": self._delete()}, image)

    def _complete(self, progress: RequestProgress, image: pa.Table) -> RequestProgress:
        """Write current points again after the request, and record how it ended."""
        left = self._read().image
        if (again := self.planned.judge(left).stale).any():
            # Another program writes these points, so they would come back after each request.
            return self._put_stopped({**progress, "foreign": examples(left, again)}, image, left, was_sent=True)
        rewritten = self._rewrite(image, left)
        removed = int(np.count_nonzero(self.planned.judge(image).stale))
        return self._record({**with_rewritten(progress, rewritten), "status": "done", "removed": removed})

    def _put_stopped(
        self, progress: RequestProgress, image: pa.Table, stored: pa.Table, *, was_sent: bool
    ) -> RequestProgress:
        """Write again what an earlier attempt removed, and record why nothing more is deleted."""
        if was_sent:
            progress = with_rewritten(progress, self._rewrite(image, stored))
            progress = {**progress, "removed": self._put_removed(image, stored)}
        texts = {"foreign": progress["foreign"][:MAX_TEXTS], "doubts": progress.get("doubts", [])[:MAX_TEXTS]}
        return self._record({**progress, "status": "stopped", **texts})  # type: ignore[typeddict-item]

    def restore(self) -> RequestProgress:
        """Write the values of the before-image back that are not stored now. Values of newer files stand.

        Raises:
            InfluxUnavailableError: InfluxDB did not answer, or what is stored keeps changing. The next call repeats it.
        """
        image, progress = self.store.image(self.number), self.store.progress(self.number)
        restored = Rewritten()
        if image is not None:
            stored, doubts = self._read_settled(progress)
            if doubts:
                raise InfluxUnavailableError(f"request {self.number}: {doubts[0]}")
            restored = self._write_missing(image, fields_of(image), stored.image)
        progress = {**with_rewritten({**progress, "doubts": []}, restored), "rewritten": progress["rewritten"]}
        return self._record({**progress, "restored": restored.points})

    def _record(self, progress: RequestProgress) -> RequestProgress:
        self.store.put_progress(self.number, progress)
        return progress

    @property
    def _query(self) -> PointQuery:
        deletion = self.deletion
        return PointQuery(deletion["influxdb_bucket"], deletion["measurement"], self.tags, deletion["field_names"])

    def _read(self) -> StoredRange:
        first, last = self.request["first_ns"], self.request["last_ns"]
        return read_range(self.influx, self._query, self.planned.times(self.tags, first, last), first, last)

    def _doubts(self, image: pa.Table) -> list[str]:
        """Return why the image may lack stored values. Then nothing may be deleted."""
        place = image, self.tags, self.request["first_ns"], self.request["last_ns"]
        doubts = self.planned.doubts(*place)
        if doubts:
            bound_ns = oldest_kept_ns(self.influx, self.deletion["influxdb_bucket"], datetime.now(UTC))
            doubts = self.planned.doubts(*place, kept_from_ns=bound_ns)
        return [*type_doubts(self.influx, self._query), *doubts]

    def _read_settled(self, progress: RequestProgress) -> tuple[StoredRange, list[str]]:
        """Return what is stored, and doubts, once a request that was sent before can no longer be running."""
        if progress["status"] != "sent":
            return self._read(), []
        waits = {"timeout_s": self.timeout_s, "wait_factor": self.wait_factor}
        return read_settled(self._read, progress["sent_at"], **waits)

    def _delete(self) -> float:
        """Send the request, and return how long it took."""
        started = monotonic()
        reply = delete_range(
            self.influx,
            bucket=self.deletion["influxdb_bucket"],
            measurement=self.deletion["measurement"],
            tags=self.tags,
            first_ns=self.request["first_ns"],
            last_ns=self.request["last_ns"],
            timeout_s=self.timeout_s,
        )
        if reply.status != HTTPStatus.NO_CONTENT:
            raise interpret(reply).exception(f"request {self.number} of the deletion")
        return monotonic() - started

    def _rewrite(self, image: pa.Table, stored: pa.Table) -> Rewritten:
        """Write the current values of the image again that are not stored."""
        return self._write_missing(image, self.planned.judge(image).current, stored)

    def _put_removed(self, image: pa.Table, stored: pa.Table) -> int:
        """Store which stale values of the image are not stored any more. Return how many points these are of.

        Another value of such a point may be stored: a newer file may have sent it since.
        """
        removed = select_fields(image, self.planned.judge(image).stale & ~stored_fields(image, stored))
        self.store.put_removed(self.number, removed)
        return len(removed)

    def _write_missing(self, image: pa.Table, fields: Mask, stored: pa.Table) -> Rewritten:
        bucket = self.deletion["influxdb_bucket"]
        return write_missing(self.influx, bucket, image, fields, stored=stored, read=lambda: self._read().image)
