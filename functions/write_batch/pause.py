"""The pause of a chunk: the state machine waits in WaitForInflux, and then calls WriteBatch again."""

from datetime import UTC, datetime, timedelta

from shared.errors import InfluxUnavailableError
from shared.events import ChunkProgress, ChunkRef
from shared.times import utc_seconds

MAX_PAUSE = timedelta(minutes=15)
"""The longest pause that InfluxDB may ask for with Retry-After. A longer one fails the load."""

MAX_WAITS_WITHOUT_PROGRESS = 10


class ResumeLaterError(Exception):
    """The invocation has to end before its chunk is written, but nothing has failed: resume at `not_before`."""

    def __init__(self, not_before: datetime) -> None:
        super().__init__(not_before.isoformat())
        self.not_before = not_before


def check_not_before(not_before: str) -> None:
    """Raise ResumeLaterError if InfluxDB asked an earlier invocation to wait until a time that is still to come.

    Args:
        not_before: The time as ISO 8601, or "" for no limit.
    """
    if not_before and datetime.fromisoformat(not_before) > datetime.now(UTC):
        raise ResumeLaterError(datetime.fromisoformat(not_before))


def resume_later(ref: ChunkRef, not_before: datetime, *, next_batch: int, progressed: bool) -> ChunkProgress:
    """Return the result that makes the state machine wait until `not_before`.

    Args:
        ref: The chunk.
        not_before: The earliest time of the next request.
        next_batch: The number of the first batch that is not written yet.
        progressed: This invocation wrote at least one batch.

    Raises:
        InfluxUnavailableError: The pause is longer than `MAX_PAUSE`, or the chunk has waited
            `MAX_WAITS_WITHOUT_PROGRESS` times in a row without a batch being written.
    """
    if not_before - datetime.now(UTC) > MAX_PAUSE:
        raise InfluxUnavailableError(
            f"chunk {ref['chunk']}: InfluxDB accepts no requests before {not_before:%Y-%m-%d %H:%M:%S} UTC: "
            "load the file again after that time"
        )
    waits = 0 if progressed else ref["waits"] + 1
    if waits > MAX_WAITS_WITHOUT_PROGRESS:
        raise InfluxUnavailableError(
            f"chunk {ref['chunk']}: InfluxDB accepted no batch after {ref['waits']} waits: check its load, "
            "then load the file again"
        )
    return ChunkProgress(
        chunk=ref["chunk"], written=False, next_batch=next_batch, not_before=_round_up(not_before), waits=waits
    )


def _round_up(time: datetime) -> str:
    """Return `time` in whole seconds, as Step Functions requires. Rounded down, it would cost a request too early."""
    return utc_seconds(time + timedelta(microseconds=-time.microsecond % 1_000_000))
