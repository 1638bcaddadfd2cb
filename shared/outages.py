"""The waits for InfluxDB: how long the next one is, and when a load gives up.

CheckHealth and WriteBatch do not wait themselves. They raise a `LaterError`, which the state machine does not take for
a failure: its message is an `Outage` as JSON, and a Wait state waits until `not_before`, and calls the function again.
`extend_outage` returns that outage, or raises the error of InfluxDB when the patience is used up.
"""

import json
import random
from datetime import datetime, timedelta

from shared.errors import OutageError
from shared.events import Outage
from shared.times import utc_seconds

FIRST_PAUSE_S, MAX_PAUSE_S = 20.0, 300.0
"""The longest first pause, and the longest pause. Each is a random time, but at least half of that.

They double with each wait of the same chunk, also after progress: this bounds how many events the waits of a load can
add to its history (`benchmarks/retriers.py`).
"""

MAX_REASON = 300
"""The length to which `Outage.reason` is cut: it is passed between states."""

NO_OUTAGE = Outage(since="", give_up_at="", not_before="", waits=0, reason="")


class LaterError(Exception):
    """The function has to be called again later, at `outage["not_before"]`."""

    def __init__(self, outage: Outage) -> None:
        super().__init__(json.dumps(outage))
        self.outage = outage


class CheckLaterError(LaterError):
    """CheckHealth has to be called again later."""


class WriteLaterError(LaterError):
    """WriteBatch has to be called again later, for the same chunk."""


def extend_outage(
    outage: Outage, error: OutageError, *, patience_s: int, now: datetime, progressed: bool = False
) -> Outage:
    """Return the outage with the time of the next attempt.

    Args:
        outage: The outage so far.
        error: The failure. The next attempt is not before its `retry_after_s` has passed.
        patience_s: How long to wait without progress.
        now: The time of the failure.
        progressed: InfluxDB accepted something since the last wait, so that the patience begins anew.

    Raises:
        OutageError: The patience is used up, or InfluxDB accepts no requests before it will be. It is of the
            class of `error`.
    """
    since, give_up_at = now, now + timedelta(seconds=patience_s)
    if outage["since"] and not progressed:
        since, give_up_at = (datetime.fromisoformat(outage[name]) for name in ("since", "give_up_at"))
    left_s = (give_up_at - now).total_seconds()
    if left_s <= 0 or error.retry_after_s > left_s:
        raise type(error)(f"{error}: {_explain_end(error, since, patience_s, now)}") from error
    pause_s = max(error.retry_after_s, min(_pause_s(outage["waits"], patience_s), left_s))
    return Outage(
        since=utc_seconds(since),
        give_up_at=_round_up(give_up_at),
        not_before=_round_up(now + timedelta(seconds=pause_s)),
        waits=outage["waits"] + 1,
        reason=str(error)[:MAX_REASON],
    )


def _pause_s(waits: int, patience_s: int) -> float:
    """Return the next pause. Even a short patience has time for several attempts."""
    first_s = min(FIRST_PAUSE_S, patience_s / 10)
    longest_s = min(first_s * 2.0 ** min(waits, 16), MAX_PAUSE_S)
    return random.uniform(longest_s / 2, longest_s)  # noqa: S311 - not for cryptography


def _explain_end(error: OutageError, since: datetime, patience_s: int, now: datetime) -> str:
    if error.retry_after_s:
        at = now + timedelta(seconds=error.retry_after_s)
        return (
            f"InfluxDB accepts no requests before {at:%Y-%m-%d %H:%M:%S} UTC, which is later than OUTAGE_PATIENCE "
            f"({patience_s} s) allows: load the file again after that time"
        )
    return (
        f"InfluxDB has accepted nothing since {since:%Y-%m-%d %H:%M:%S} UTC, for longer than OUTAGE_PATIENCE "
        f"({patience_s} s) allows: check InfluxDB, then load the file again"
    )


def _round_up(time: datetime) -> str:
    """Return `time` in whole seconds, as Step Functions requires. Rounded down, it would cost a request too early."""
    return utc_seconds(time + timedelta(microseconds=-time.microsecond % 1_000_000))
