"""The end of an invocation before its chunk is written: the state machine waits, and then calls WriteBatch again."""

from datetime import UTC, datetime

from shared.errors import InfluxUnavailableError, OutageError
from shared.events import ChunkProgress, ChunkRef, Outage
from shared.outages import NO_OUTAGE, extend_outage
from shared.times import utc_seconds

FORMER_WAITS = 10
"""How many times in a row an execution that began under an earlier release comes back without a batch being written."""


class OutOfTimeError(Exception):
    """No time of this invocation is left for another request."""


Interruption = OutageError | OutOfTimeError
"""The reason why an invocation ends before its chunk is written, although nothing is wrong with the chunk."""


def check_not_before(not_before: str) -> None:
    """Raise InfluxUnavailableError if InfluxDB asked an earlier invocation to wait until a time that is still to come.

    Args:
        not_before: The time as ISO 8601, or "" for no limit.
    """
    left_s = (datetime.fromisoformat(not_before) - datetime.now(UTC)).total_seconds() if not_before else 0.0
    if left_s > 0:
        error = InfluxUnavailableError("an earlier request was answered with Retry-After")
        error.retry_after_s = left_s
        raise error


def plan_pause(ref: ChunkRef, interruption: Interruption, *, progressed: bool, patience_s: int) -> Outage:
    """Return the pause of the chunk after an interruption.

    An invocation that wrote batches until its time was over is continued at once. Any other pause is longer than the
    one before, and uses up the patience.

    Args:
        ref: The chunk.
        interruption: The reason for the pause.
        progressed: This invocation wrote at least one batch.
        patience_s: How long to wait for InfluxDB without progress.

    Raises:
        OutageError: The patience is used up, or InfluxDB asks for a longer pause.
    """
    outage, now = ref.get("outage", NO_OUTAGE), datetime.now(UTC)
    if isinstance(interruption, OutOfTimeError):
        reason = f"chunk {ref['chunk']}: the time of an invocation is over"
        if progressed:
            return Outage(since="", give_up_at="", not_before=utc_seconds(now), waits=outage["waits"], reason=reason)
        interruption = InfluxUnavailableError(f"{reason}, and InfluxDB has accepted no batch in it")
    return extend_outage(outage, interruption, patience_s=patience_s, now=now, progressed=progressed)


def pause_former(
    ref: ChunkRef, interruption: Interruption, not_before: str, *, next_batch: int, progressed: bool
) -> ChunkProgress:
    """Return the result for an execution that began under an earlier release, and expects no WriteLaterError.

    Raises:
        InfluxUnavailableError: The definition retries this error itself, or it has waited `FORMER_WAITS` times.
    """
    if isinstance(interruption, OutageError) and not interruption.retry_after_s:
        raise interruption
    waits = 0 if progressed else ref.get("waits", 0) + 1
    if waits > FORMER_WAITS:
        raise InfluxUnavailableError(
            f"chunk {ref['chunk']}: InfluxDB accepted no batch after {FORMER_WAITS} waits: check its load, then load "
            "the file again"
        )
    return ChunkProgress(chunk=ref["chunk"], written=False, next_batch=next_batch, not_before=not_before, waits=waits)
