"""The protocol by which the newest values win, in whatever order files arrive and loads end.

Loads that run at the same time cannot be ordered: which points a file has is known only after its conversion. So the
loads see each other in the ledger, in one item for each execution and month (`shared/registrations.py`):

1. RegisterLoad registers the execution, then reads the month. The load leaves out the points of newer loads that are
   *written* (`newer_written`), and records these loads. It never leaves out points of a load that is still writing or
   has failed, since that load might never store them.
2. WriteBatch writes the other points.
3. ConfirmWritten marks the execution as written, then reads the month again. An older load that had begun to write
   before that mark may overwrite newer values (`older_to_outlast`), unless it recorded that it left them out. So wait
   for its end, read the month once more, and write again the points that it has too.

Of two loads that run at the same time, one always sees the other: each writes its item first and reads second.
tests/unit/test_protocol.py checks this in all interleavings of some loads, with crashes; docs/decisions.md has more.
"""

from collections.abc import Collection, Iterable

from functions.register_load.series_bits import decode_bits
from shared.ledger import check_bucket
from shared.registrations import Registration
from shared.revisions import is_newer_file


def newer_written(own: Registration, month: Iterable[Registration]) -> list[Registration]:
    """Return the newer registrations whose points are stored, so that `own` leaves these points out.

    Of several written versions of one object only the newest counts: it replaced the others. The versions of the load's
    own object do not count: the ledger skips an older one, unless a person forces it to overwrite the newer one.
    """
    written = [item for item in month if item["written"] and _is_in_same_bucket(own, item)]
    return [
        item
        for item in written
        if item["source"] != own["source"]
        and is_newer_file(item, own)
        and _overlap(own, item)
        and not any(each["source"] == item["source"] and is_newer_file(each, item) for each in written)
    ]


def ended_before(months: Iterable[Iterable[Registration]], now: str) -> set[str]:
    """Return the names of the registrations that write nothing any more at `now` (ISO 8601, UTC)."""
    return {item["version"] for month in months for item in month if has_ended(item, now)}


def has_ended(item: Registration, now: str) -> bool:
    """Return whether the execution writes nothing any more at `now` (ISO 8601, UTC)."""
    return item["active_until"] <= now


def older_to_outlast(own: Registration, month: Iterable[Registration], settled: Collection[str]) -> list[Registration]:
    """Return the older registrations that may have overwritten points of `own`, or still may.

    Args:
        own: the registration that is marked as written.
        month: all registrations of its month, read after that mark.
        settled: the names of those that had ended before `own` wrote its points, for the first time or again.
    """
    return [
        item
        for item in month
        if is_newer_file(own, item)
        and item["version"] not in settled
        and own["version"] not in item.get("left_out", ())
        and _is_in_same_bucket(own, item)
        and _overlap(own, item)
    ]


def obsolete(own: Registration, month: Iterable[Registration], now: str) -> list[Registration]:
    """Return the registrations that no load needs that registers after `now`.

    Such a load counts them as settled in any case. A written one also makes older loads leave out its points, until
    `own` does so in its place: it is of the same version of the object, or of a newer one.

    Args:
        own: a registration that is written.
        month: all registrations of its month.
        now: the time (ISO 8601, UTC).
    """
    return [
        item
        for item in month
        if has_ended(item, now)
        and "expires_at" not in item
        and item["version"] != own["version"]
        and (not item["written"] or (item["source"] == own["source"] and not is_newer_file(item, own)))
    ]


def written_by_others(own: Registration, month: Iterable[Registration]) -> list[Registration]:
    """Return the registrations of other objects whose points are stored, at times of `own`.

    Those that expire are of versions that another version replaced.
    """
    return [
        item
        for item in month
        if item["written"]
        and "expires_at" not in item
        and item["source"] != own["source"]
        and _is_in_same_bucket(own, item)
        and _overlap(own, item)
    ]


def _is_in_same_bucket(one: Registration, other: Registration) -> bool:
    """Return whether both loads wrote into the same bucket: one of the same name may have replaced it since."""
    return check_bucket(one["bucket_id"], other["bucket_id"]) != "replaced"


def _overlap(one: Registration, other: Registration) -> bool:
    """Return whether both loads may have a point in common: their times overlap, and their series may."""
    if one["first_ns"] > other["last_ns"] or other["first_ns"] > one["last_ns"]:
        return False
    if "series" not in one or "series" not in other:
        return True
    return bool(decode_bits(one["series"]) & decode_bits(other["series"]))
