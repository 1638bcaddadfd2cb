"""The order in which a backfill loads the files of a list. It only saves work: the newest values stand in any order."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from shared.dataset_keys import find_dataset
from shared.revisions import revision_of, slot_of, sort_key


class _Slot(NamedTuple):
    """The slot of a file, and whether its revisions replace each other."""

    name: str
    replaces: bool


class _Place(NamedTuple):
    slot: _Slot
    revision: str
    key: str


def in_loading_order(lines: Iterable[str]) -> list[str]:
    """Return the lines with the newest revision of each slot first, then the second newest of each, and so on.

    A file leaves out what newer ones have written, so no value is written to be overwritten, and two files of one slot
    are seldom loaded at the same time, which makes the newer one wait and write again. A backfill that is stopped has
    loaded the current values. Where revisions replace each other, the oldest comes first: after a newer one, it would
    be skipped.
    """
    places = {line: _place(line) for line in lines}
    revisions: dict[_Slot, set[str]] = {}
    for place in places.values():
        revisions.setdefault(place.slot, set()).add(place.revision)
    ranks = {slot: _ranks(slot, each) for slot, each in revisions.items()}
    return sorted(places, key=lambda line: (ranks[places[line].slot][places[line].revision], places[line]))


def _ranks(slot: _Slot, revisions: Iterable[str]) -> dict[str, int]:
    in_order = sorted(revisions, reverse=not slot.replaces)
    return {revision: rank for rank, revision in enumerate(in_order)}


def _place(line: str) -> _Place:
    key = json.loads(line)["key"]
    if (dataset := find_dataset(key)) is None:
        return _Place(_Slot(key, replaces=False), "", key)
    slot = _Slot(slot_of(key, dataset), dataset.revisions == "replace")
    return _Place(slot, sort_key(revision_of(key, dataset)), key)
