"""The loads that failed or were abandoned, and which of them it is useful to repeat.

`find_unloaded` reads the ledger. `choose` leaves out objects that have been deleted since, errors that only another
file resolves, and files that a newer revision replaces.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from cli.deployed.ledger import Entry, Filter, entries, newest
from cli.deployed.objects import find_object
from cli.deployed.slots import Slots
from cli.deployed.stack import Deployment
from shared.errors import can_heal

ABANDONED = "abandoned"
"""The cause of a load whose execution ended without an error in the ledger."""

DELETED = "deleted since"
HOPELESS = "cannot succeed with the same file (--force)"


class Choice(NamedTuple):
    """The loads to repeat, and the others with the reason why they are skipped."""

    entries: list[Entry]
    skipped: list[tuple[Entry, str]]


def find_unloaded(deployment: Deployment, filter_: Filter) -> list[Entry]:
    """Return the newest version of each object, if it failed or was abandoned.

    Loads that failed before their version was known are not included: a backfill loads their files.
    """
    now = datetime.now(UTC)
    changes = (
        entry for status in ("failed", "claimed") for entry in entries(deployment, replace(filter_, status=status))
    )
    names = dict.fromkeys(entry.object for entry in changes if entry.load_id and is_unloaded(entry, now))
    return [entry for entry in (newest(deployment, name) for name in names) if is_unloaded(entry, now)]


def is_unloaded(entry: Entry, now: datetime) -> bool:
    """Return whether a version failed, or was abandoned by its execution."""
    return entry.status == "failed" or entry.abandoned(now)


def cause(entry: Entry) -> str:
    """Return the name of the error, or `ABANDONED`."""
    return entry.error or ABANDONED


def choose(deployment: Deployment, unloaded: Sequence[Entry], *, force: bool) -> Choice:
    """Return which of the loads to repeat.

    Args:
        deployment: The stack.
        unloaded: The loads that `find_unloaded` returns.
        force: Repeat loads too whose error only another file resolves.
    """
    slots = Slots(deployment)
    reasons = [(entry, _reason_to_skip(deployment, slots, entry, force=force)) for entry in unloaded]
    return Choice(
        entries=[entry for entry, reason in reasons if not reason],
        skipped=[(entry, reason) for entry, reason in reasons if reason],
    )


def _reason_to_skip(deployment: Deployment, slots: Slots, entry: Entry, *, force: bool) -> str:
    """Return why it is useless to load an object again; "" if it is not.

    An object is deleted if its key does not exist now, even if its version still does.
    """
    if not (force or can_heal(entry.error)):
        return HOPELESS
    key = entry.object.removeprefix(f"s3://{deployment.source_bucket}/")
    current = find_object(deployment, key)
    if current and entry.version_id not in ("", current.version_id):
        current = find_object(deployment, key, entry.version_id)
    if current is None:
        return DELETED
    newer = slots.newer_revision(key)
    return f"older revision than {newer}" if newer else ""
