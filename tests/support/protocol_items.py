"""What the ledger has about the loads of the model in `protocol_loads`, and what the real decisions make of it.

The decisions are those of `functions/register_load/protocol.py`. The same questions come up in many states, so the
answers are kept.
"""

from functools import cache
from typing import NamedTuple

from functions.register_load.protocol import ended_before, has_ended, newer_written, obsolete, older_to_outlast
from shared.registrations import Registration

NOW = "2024-01-01T00:00:00+00:00"
Names = frozenset[str]
NO_NAMES: Names = frozenset()


class Item(NamedTuple):
    """What the ledger has about one execution.

    Attributes:
        rank: the rank of its version; a larger one is newer.
        attempt: counts the executions of this version.
        left_out, written, confirmed: the attributes of the same names.
        active: whether it may still write.
        expires: whether the item may be deleted once every load that registered before its end has ended.
    """

    rank: int
    attempt: int
    left_out: Names = NO_NAMES
    written: bool = False
    active: bool = True
    confirmed: bool = False
    expires: bool = False

    @property
    def name(self) -> str:
        """The name of the registration."""
        return f"{self.rank}/{self.attempt}"


Month = tuple[Item, ...]
"""The items that a read of the ledger returns."""


@cache
def registration(item: Item) -> Registration:
    """Return the item as the ledger has it."""
    registration_: Registration = {
        "object": "points:ons/generation_data/2024-01",
        "version": item.name,
        "revision": f"{item.rank:02}",
        "source": f"s3://source/{item.rank}",
        "source_version": "v1",
        "last_modified": 0,
        "sequencer": "",
        "dataset": "generation",
        "load_id": str(item.rank),
        "execution": str(item.attempt),
        "bucket_id": "",
        "first_ns": 0,
        "last_ns": 0,
        "written": item.written,
        "active_until": "9999" if item.active else "",
        "confirmed": item.confirmed,
        "left_out": sorted(item.left_out),
    }
    return {**registration_, "expires_at": 0} if item.expires else registration_


@cache
def names_of_newer(own: Item, month: Month) -> Names:
    """Return the newer registrations whose points the load leaves out after this read."""
    newer = newer_written(registration(own), map(registration, month))
    return frozenset(each["version"] for each in newer)


@cache
def names_of_ended(month: Month) -> Names:
    """Return the registrations that had ended at this read."""
    return frozenset(ended_before([map(registration, month)], NOW))


@cache
def older(own: Item, month: Month, settled: Names) -> tuple[Names, bool]:
    """Return the older registrations to outlast, and whether all of them have ended."""
    loads = older_to_outlast(registration(own), map(registration, month), settled)
    return frozenset(each["version"] for each in loads), all(has_ended(each, NOW) for each in loads)


@cache
def names_of_obsolete(own: Item, month: Month) -> Names:
    """Return the registrations that expire from the end of `own` on."""
    return frozenset(each["version"] for each in obsolete(registration(own), map(registration, month), NOW))
