"""When this chunk may go on, and when waiting has to end."""

from datetime import UTC, datetime, timedelta

from shared.errors import InfluxUnavailableError
from shared.events import ChunkProgress, ChunkRef
from shared.times import utc_seconds

LONGEST_PAUSE = timedelta(minutes=15)

MOST_FRUITLESS_WAITS = 10


class ComeBackError(Exception):
    """Nothing is wrong with the chunk, but this invocation has to end: go on at `not_before`."""

    def __init__(self, not_before: datetime) -> None:
        super().__init__(not_before.isoformat())
        self.not_before = not_before


def keep_quiet_until(not_before: str) -> None:
    """Raises ComeBackError before `not_before`, which an earlier invocation was told; "" is no limit."""
    if not_before and datetime.fromisoformat(not_before) > datetime.now(UTC):
        raise ComeBackError(datetime.fromisoformat(not_before))


def come_back(ref: ChunkRef, not_before: datetime, *, next_batch: int, fruitless: bool) -> ChunkProgress:
    """The answer that makes the state machine wait. Raises InfluxUnavailableError for too long or too often."""
    if not_before - datetime.now(UTC) > LONGEST_PAUSE:
        raise InfluxUnavailableError(
            f"chunk {ref['chunk']}: InfluxDB wants no request before {not_before:%Y-%m-%d %H:%M:%S} UTC: load it then"
        )
    waits = ref["waits"] + 1 if fruitless else 0
    if waits > MOST_FRUITLESS_WAITS:
        raise InfluxUnavailableError(f"chunk {ref['chunk']}: InfluxDB took nothing after {ref['waits']} waits")
    return ChunkProgress(
        chunk=ref["chunk"], written=False, next_batch=next_batch, not_before=_whole_second(not_before), waits=waits
    )


def _whole_second(at: datetime) -> str:
    """As Step Functions reads it, rounded up: too early would be one request too many."""
    up = at + timedelta(microseconds=-at.microsecond % 1_000_000)
    return utc_seconds(up)
