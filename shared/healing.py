"""The schedule by which the sweep loads versions again that are not loaded.

A version waits longer after each try: 15 minutes, half an hour, and so on up to half a day, for a week in total. Only
tries count, not the time between them: while InfluxDB is down, the sweep begins none. After the last wait, and at once
after an error that does not heal by itself, the version needs a person.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from shared.errors import heals_alone
from shared.ledger import LedgerItem

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=15), timedelta(hours=12)
HORIZON = timedelta(days=7)


def _waits() -> Iterator[timedelta]:
    wait, total = FIRST_WAIT, timedelta()
    while total < HORIZON:
        yield wait
        total += wait
        wait = min(2 * wait, LONGEST_WAIT)


WAITS = tuple(_waits())
"""The wait after each try."""


def next_try_at(item: LedgerItem) -> datetime | None:
    """Return when the sweep loads a version again, if it still is the newest of its object; None if it does not."""
    tries = tries_of(item)
    if tries > len(WAITS) or "sweep_result" in item:
        return None
    if item["status"] == "claimed":
        return datetime.fromisoformat(item["lease_until"])
    if item["status"] == "failed" and heals_alone(item.get("error", "")):
        return datetime.fromisoformat(item["changed_at"]) + WAITS[tries - 1]
    return None


def tries_of(item: LedgerItem) -> int:
    """Return the number of loads that began since the version was loaded last. An earlier release did not count."""
    return max(int(item.get("tries", 1)), 1)


def given_up_at(item: LedgerItem) -> datetime | None:
    """Return when a version used up its last try.

    None if it has tries left, if its error never healed by itself, or if a sweep has already dealt with it.
    """
    if tries_of(item) <= len(WAITS) or "sweep_result" in item:
        return None
    if item["status"] == "claimed":
        return datetime.fromisoformat(item["lease_until"])
    return datetime.fromisoformat(item["changed_at"]) if heals_alone(item.get("error", "")) else None
