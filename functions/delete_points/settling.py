"""What is stored once a request without an answer can no longer be running.

InfluxDB stops a request whose connection is closed. Behind a proxy that does not pass this on, the request goes on to
its end, for as long as InfluxDB needs, so the reading waits for twice its time-out and a margin, and then until two
readings agree. A request that a proxy holds back for longer than that, and delivers then, is not noticed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic, sleep

from functions.delete_points.stored_points import StoredRange

MARGIN_S = 5.0
READINGS_S = 1.0
"""How much longer than twice the time-out to wait after a request without an answer, and between two readings."""

SETTLE_S = 120.0
"""How long two readings after such a request may differ."""

UNSETTLED = "what is stored keeps changing: another program writes there, or an earlier request is still running"


def read_settled(
    read: Callable[[], StoredRange], sent_at: str, *, timeout_s: float, wait_factor: float
) -> tuple[StoredRange, list[str]]:
    """Return what is stored, and the doubt that it keeps changing, if it does.

    Args:
        read: Reads what is stored.
        sent_at: When the request was sent (ISO 8601, UTC).
        timeout_s: The time-out of the request.
        wait_factor: The factor by which tests shorten all waits.
    """
    passed = (datetime.now(UTC) - datetime.fromisoformat(sent_at)).total_seconds()
    sleep(max(0.0, wait_factor * (2 * timeout_s + MARGIN_S) - passed))
    stored, give_up_at = read(), monotonic() + wait_factor * SETTLE_S
    while monotonic() < give_up_at:
        sleep(wait_factor * READINGS_S)
        again = read()
        if again.image.equals(stored.image):
            return again, []
        stored = again
    return stored, [UNSETTLED]
