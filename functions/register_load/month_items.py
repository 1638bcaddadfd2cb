"""What the ledger has in the months of a load: `read_months`, and questions about the items that it returns."""

from collections.abc import Iterable
from datetime import datetime

from functions.register_load.protocol import has_ended, newer_written
from shared.errors import LoadEndedError
from shared.registrations import Registration, Registrations
from shared.times import utc_seconds

Months = list[list[Registration]]
"""Registrations of each month that the load has a registration in, in the same order."""


def read_months(registrations: Registrations, own: Iterable[Registration], now: datetime) -> Months:
    """Return the registrations of each month that concern the load."""
    return [_read_month(registrations, item, utc_seconds(now)) for item in own]


def _read_month(registrations: Registrations, own: Registration, now: str) -> list[Registration]:
    """Return the registrations in the time of the load, and all those of the objects of newer loads among them.

    Which version of an object counts depends on its newer versions, at whatever times those have points.
    """
    month = {item["version"]: item for item in registrations.read_concerning(own, now)}
    if sources := {item["source"] for item in newer_written(own, month.values())}:
        month |= {item["version"]: item for item in registrations.read_sources(own["object"], sources)}
    return list(month.values())


def newer_in_months(own: Iterable[Registration], months: Months) -> Months:
    """Return the newer registrations of each month that are written."""
    return [newer_written(item, month) for item, month in zip(own, months, strict=True)]


def distinct(months: Months) -> list[Registration]:
    """Return one item of each execution, which may have several months."""
    return list({item["version"]: item for month in months for item in month}.values())


def left_out_of(own: Registration, month: Iterable[Registration]) -> set[str]:
    """Return what the ledger has as `left_out` of a registration."""
    return set(_stored(own, month).get("left_out", ()))


def is_confirmed(own: Iterable[Registration], months: Months) -> bool:
    """Return whether ConfirmWritten has decided that the load writes nothing any more, maybe in a call that broke off.

    Loads that registered since then count on it.
    """
    return any(_stored(item, month).get("confirmed") for item, month in zip(own, months, strict=True))


def check_active(own: Iterable[Registration], months: Months, now: datetime) -> None:
    """Check that no load counts this one as ended.

    Raises:
        LoadEndedError: One may, since a registration of this load has ended or is deleted.
    """
    for item, month in zip(own, months, strict=True):
        if has_ended(_stored(item, month), utc_seconds(now)):
            raise LoadEndedError(
                f"the registration of this load in {item['object']} has ended, and newer files may have been loaded "
                "since: the execution was redriven, or it took longer than its lease. Load the file again"
            )


def _stored(own: Registration, month: Iterable[Registration]) -> Registration:
    """Return the ledger's item of a registration; one that has ended if the ledger has none any more."""
    ended: Registration = {**own, "active_until": ""}
    return next((item for item in month if item["version"] == own["version"]), ended)
