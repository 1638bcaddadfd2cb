"""The order in which versions of one object are loaded.

The newest version wins: older ones are skipped. It waits for an older version that is still being loaded.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.ledger import LedgerItem, is_newer
from shared.times import utc_seconds

MIN_WAIT, MAX_WAIT = timedelta(seconds=2), timedelta(minutes=1)
"""The limits of a wait. Waits of a minute take about 3,000 of an execution's 25,000 history events in six hours."""


class Turn(NamedTuple):
    """The fields of the same names in `shared.events.FileRef`."""

    skipped: str = ""
    not_before: str = ""


ITS_TURN = Turn()


def turn(version: str, versions: Sequence[LedgerItem], now: datetime) -> Turn:
    """Return whether `version` is loaded now, skipped, or must wait.

    Args:
        version: The version, as the ledger names it.
        versions: The items of all versions of the object, read after this one was claimed: of two versions that are
            claimed at the same time, at least one then sees the other.
        now: The time of this check.
    """
    in_use = [item for item in versions if item["status"] in ("claimed", "loaded")]
    (this,) = (item for item in in_use if item["version"] == version)
    for other in in_use:
        if is_newer(other, this):
            return Turn(skipped=f"superseded by version {other['version'].partition(' ')[2]}")
    older = [item for item in in_use if item["status"] == "claimed" and is_newer(this, item)]
    running = [item for item in older if item["lease_until"] > utc_seconds(now)]
    return Turn(not_before=min(next_check(item, now) for item in running)) if running else ITS_TURN


def next_check(running: LedgerItem, now: datetime) -> str:
    """Return when to check again: after as long as that load has taken so far, or when its lease ends."""
    elapsed = now - datetime.fromisoformat(running["claimed_at"])
    wait = min(max(elapsed, MIN_WAIT), MAX_WAIT)
    return min(running["lease_until"], utc_seconds(now + wait))
