"""One load's part in the protocol that `protocol` explains: the requests, and what is written because of the answers.

`RevisedLoad.register` runs before the first write. `RevisedLoad.confirm` runs after the last one, and again after each
wait and each repeated write.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from functions.register_load.common_points import CommonPoints, Loads
from functions.register_load.executions import Executions
from functions.register_load.month_items import (
    Months,
    check_active,
    distinct,
    is_confirmed,
    left_out_of,
    newer_in_months,
    read_months,
)
from functions.register_load.months import month_spans, registrations_of
from functions.register_load.progress import Progress
from functions.register_load.protocol import ended_before, has_ended, obsolete, older_to_outlast
from functions.register_load.restaging import Restaging
from shared.aws_clients import step_functions_client
from shared.balance import check_accounts
from shared.errors import OlderLoadRunningError
from shared.events import Chunk, ChunksToWrite, LoadState
from shared.load_limits import check_rejected
from shared.load_totals import Outcomes
from shared.outcomes import read_outcomes
from shared.registrations import RegisteredLoad, Registration, Registrations
from shared.settings import max_rejected_rate
from shared.times import utc_seconds
from shared.work_bucket import get_json, outlasted_key, put_json, registration_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_WAIT = timedelta(minutes=1)
"""The longest wait for older loads. The first one takes two seconds, and each further one twice as long."""

PATIENCE = 0.75
"""The share of its lease after which a load does not wait any more. The time limit of an execution is a bit less than
its lease, and the load may have to write its points again after the wait.
"""


class RevisedLoad:
    """One execution of a load, at the time `now`."""

    def __init__(
        self, client: "S3Client", registrations: Registrations, load: LoadState, now: datetime, progress: Progress
    ) -> None:
        self._client = client
        self._registrations = registrations
        self._load = load
        self._converted = load["converted"]
        self._now, self._now_text = now, utc_seconds(now)
        file, execution = load["file"], load["execution"]["name"]
        self._memory_key = registration_key(file["load_id"], execution)
        self._claimed_at = datetime.fromisoformat(file["claim"]["now"])
        self._lease = datetime.fromisoformat(file["claim"]["lease_until"]) - self._claimed_at
        self._common_points = CommonPoints(client, file, execution, progress)
        self._restaging = Restaging(client, file, execution, self._common_points, progress)
        self._executions = Executions(client, step_functions_client, load["execution"]["id"])

    def register(self) -> ChunksToWrite:
        """Register the load, and leave out the values that newer loads have written."""
        chunks = self._converted["chunks"]
        footprints = self._common_points.footprints() if chunks else ()
        own = registrations_of(self._load, month_spans(footprints))
        self._remember({"items": own, "settled": []})  # first, so that a failure can end every registration
        for item in own:
            self._registrations.add(item)
        months = self._read_months(own)
        check_active(own, months, self._now)
        self._remember({"items": own, "settled": sorted(ended_before(months, self._now_text))})
        newer = newer_in_months(own, months)
        overlapping = self._common_points.overlapping(distinct(newer))
        if self._record_left_out(own, months, newer, overlapping):
            chunks = self._restaging.leave_out(chunks, overlapping)
        return {"chunks": chunks, "written": False, "outlasted": 0, "not_before": "", "waits": 0}

    def _record_left_out(self, own: list[Registration], months: Months, newer: Months, overlapping: Loads) -> bool:
        """Record which newer loads are left out. Return whether any is, or was in an attempt whose reply was lost."""
        left_out, former = {each["version"] for each in overlapping}, set[str]()
        for item, month, written in zip(own, months, newer, strict=True):
            names, recorded = left_out & {each["version"] for each in written}, left_out_of(item, month)
            former |= recorded
            if names != recorded:
                self._registrations.set_left_out(item, names)
        return bool(left_out or former)

    def confirm(self) -> ChunksToWrite:
        """Mark the load as written, and write values again that older loads may have overwritten meanwhile.

        Loads that register from then on leave out its points, so InfluxDB must have accepted them.
        """
        memory = cast(RegisteredLoad, get_json(self._client, self._memory_key))
        own, outlasted = memory["items"], self._read_outlasted()
        if not self._converted.get("written"):
            outcomes = self._outcomes()
            check_accounts(outcomes, self._load["file"]["rows"])
            check_rejected(outcomes, max_rejected_rate())
            for item in own:
                self._registrations.mark_written(item)
        months = self._read_months(own)
        if is_confirmed(
            own, months
        ):  # a call before this one ended only some of the registrations, or its reply was lost
            return self._end(own, months)
        check_active(own, months, self._now)
        older = self._older(own, months, outlasted.union(memory["settled"]))
        if running := [each for each in older if not self._has_ended(each)]:
            return self._wait(running)
        outlasted |= {each["version"] for each in older}
        chunks = self._write_again(own, months, older, len(outlasted)) if older else []
        if not chunks:
            return self._end(own, months)
        put_json(self._client, self._outlasted_key(len(outlasted)), {"names": sorted(outlasted)})
        return {"chunks": chunks, "written": True, "outlasted": len(outlasted), "not_before": "", "waits": 0}

    def _read_outlasted(self) -> set[str]:
        """Return the names of the older loads after whose end this one wrote again.

        The state has only their number, which leads to an object: a repeated call begins from the same names.
        """
        outlasted = self._converted.get("outlasted", 0)
        if isinstance(outlasted, list):  # in an execution of an earlier release
            return set(outlasted)
        return set(get_json(self._client, self._outlasted_key(outlasted))["names"]) if outlasted else set()

    def _outlasted_key(self, number: int) -> str:
        return outlasted_key(self._load["file"]["load_id"], self._load["execution"]["name"], number)

    def _write_again(self, own: list[Registration], months: Months, older: Loads, number: int) -> list[Chunk]:
        return self._restaging.write_again(older, self._newer_again(own, months), number, self._outcomes())

    def _outcomes(self) -> Outcomes:
        return read_outcomes(self._client, self._load["file"]["load_id"], self._load["execution"]["name"])

    def _remember(self, memory: RegisteredLoad) -> None:
        put_json(self._client, self._memory_key, memory)

    def _read_months(self, own: list[Registration]) -> Months:
        return read_months(self._registrations, own, self._now)

    def _newer_again(self, own: list[Registration], months: Months) -> list[Registration]:
        """Return the newer loads that are written now. The registrations keep those that were left out every time."""
        newer = newer_in_months(own, months)
        for item, month, written in zip(own, months, newer, strict=True):
            names = {each["version"] for each in written}
            left_out = left_out_of(item, month)
            if not left_out <= names:
                self._registrations.set_left_out(item, left_out & names)
        return distinct(newer)

    def _older(self, own: list[Registration], months: Months, settled: Collection[str]) -> list[Registration]:
        """Return the older loads that may have overwritten values of this one, or still may, each once."""
        older = [older_to_outlast(item, month, settled) for item, month in zip(own, months, strict=True)]
        return self._common_points.overlapping(distinct(older))

    def _has_ended(self, load: Registration) -> bool:
        return has_ended(load, self._now_text) or self._executions.has_ended(load, self._now)

    def _end(self, own: list[Registration], months: Months) -> ChunksToWrite:
        """Record that the load writes nothing any more, and let registrations expire that no load needs from now on."""
        expires_at = self._now + self._lease
        for item, month in zip(own, months, strict=True):
            self._registrations.confirm(item, self._now)
            for each in obsolete(item, month, self._now_text):
                self._registrations.expire(each, expires_at)
        return {"chunks": [], "written": True, "outlasted": 0, "not_before": "", "waits": 0}

    def _wait(self, running: Loads) -> ChunksToWrite:
        """Return when to look again. The registrations stay written if the load gives up, so that its next try waits.

        Raises:
            OlderLoadRunningError: It has waited long enough.
        """
        if self._now >= self._claimed_at + PATIENCE * self._lease:
            raise OlderLoadRunningError(
                f"{running[0]['source']} has points of this file too, and is still being loaded by execution "
                f"{running[0]['execution']}: wait for its end, or stop that execution, and load this file again"
            )
        waits = self._converted.get("waits", 0)
        not_before = self._now + min(timedelta(seconds=2 << min(waits, 10)), MAX_WAIT)
        return {
            "chunks": [],
            "written": True,
            "outlasted": self._converted.get("outlasted", 0),
            "not_before": utc_seconds(not_before),
            "waits": waits + 1,
        }
