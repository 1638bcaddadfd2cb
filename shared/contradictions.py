"""The contradictions of a dataset's declaration, each with the key of the declaration that is wrong."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.key_patterns import folder_pattern, group_names, problems
from shared.units import LONG_COLUMNS, SHARES, UNITS

if TYPE_CHECKING:
    from shared.datasets import Dataset

_NAME = re.compile(r"[^\W_][\w.-]*")
"""A name that line protocol does not need to escape."""

_FIRST_DATE, _LAST_DATE = date(1678, 1, 1), date(2262, 1, 1)
"""The dates between which InfluxDB can store times."""


MAX_FIELDS = 64
"""The number of fields that a dataset can have: the footprint of a load has a mask of 64 bits for each point."""


REVISION_MODES = ("overlay", "replace")
"""How the revisions of a slot can relate (`shared.datasets.Dataset.revisions`)."""


class Contradiction(NamedTuple):
    """A key of a declaration, and what is wrong with its value."""

    key: str
    message: str


def contradictions(dataset: "Dataset") -> Iterator[Contradiction]:
    """Yield each contradiction of a declaration."""
    yield from _contradictory_names(dataset)
    yield from _contradictory_columns(dataset)
    yield from _contradictory_fields(dataset)
    yield from _contradictory_limits(dataset)
    yield from _contradictory_revisions(dataset)
    yield from _contradictory_pattern(dataset)
    if dataset.zone != "UTC" and not _is_zone(dataset.zone):
        message = f"{dataset.zone!r} is not a time zone: use a name of the IANA database, such as America/Sao_Paulo"
        yield Contradiction("zone", message)


def _contradictory_names(dataset: "Dataset") -> Iterator[Contradiction]:
    """Yield names that are not valid, or are used twice.

    InfluxDB accepts a tag and a field of the same name, but then cannot query the tag. It drops a field named `time`.
    """
    names = [
        ("timestamp", dataset.timestamp),
        *(("required_tags", name) for name in dataset.required_tags),
        *(("optional_tags", name) for name in dataset.optional_tags),
        *(("fields", name) for name in dataset.field_names),
    ]
    keys, times = {name: key for key, name in names}, Counter(name for _, name in names)
    for name, count in times.items():
        if count > 1:
            message = f"{name!r} is declared {count} times: use each name for one timestamp, tag or field"
            yield Contradiction(keys[name], message)
    for key, name in [("measurement", dataset.measurement), *names[1:]]:
        if name == "time" or not _NAME.fullmatch(name):
            message = f"{name!r} is not a valid name: use letters, digits, '_', '.' and '-', no '_' first, not 'time'"
            yield Contradiction(key, message)


def _contradictory_columns(dataset: "Dataset") -> Iterator[Contradiction]:
    columns = (dataset.timestamp, *dataset.tags, *dataset.field_names)
    for tag, count in Counter(dataset.path_tags).items():
        if tag not in dataset.tags:
            yield Contradiction("path_tags", f"{tag!r} is not a tag: add it to required_tags or optional_tags")
        if count > 1:
            yield Contradiction("path_tags", f"{tag!r} is declared {count} times: keep one")
    for column, name in dataset.aliases.items():
        if name in dataset.path_tags:
            message = f"alias {column!r} is for {name!r}, which the key has: remove one of the two"
            yield Contradiction("aliases", message)
        if name not in (*columns, *LONG_COLUMNS) or column in columns:
            message = f"alias {column!r} for {name!r} is not valid: map a name that is not declared to one that is"
            yield Contradiction("aliases", message)
    for column in dataset.ignored_columns:
        if column in (*columns, *dataset.aliases, *LONG_COLUMNS):
            message = f"ignored column {column!r} is also declared, or an alias: remove one of the two"
            yield Contradiction("ignored_columns", message)


def _contradictory_fields(dataset: "Dataset") -> Iterator[Contradiction]:
    if not dataset.fields:
        yield Contradiction("fields", "no fields are declared: declare at least one")
    if (count := len(dataset.fields)) > MAX_FIELDS:
        message = f"{count} fields are declared, more than {MAX_FIELDS}: divide them among several datasets"
        yield Contradiction("fields", message)
    for each in dataset.fields:
        if each.unit in UNITS and each.unit not in SHARES:
            message = f"field {each.name!r} is in {each.unit!r}, which is converted: use {UNITS[each.unit].unit!r}"
            yield Contradiction("fields", message)


def _contradictory_limits(dataset: "Dataset") -> Iterator[Contradiction]:
    if not _FIRST_DATE <= dataset.earliest < (dataset.latest or _LAST_DATE) <= _LAST_DATE:
        message = f"earliest and latest must be in this order, and between {_FIRST_DATE} and {_LAST_DATE}"
        yield Contradiction("earliest", message)
    if dataset.max_series is not None and dataset.max_series < 1:
        yield Contradiction("max_series", f"max_series is {dataset.max_series}: use a number of at least 1")
    rates = {"max_set_aside_rate": dataset.max_set_aside_rate, "max_collision_rate": dataset.max_collision_rate}
    for key, rate in rates.items():
        if not 0.0 <= (rate or 0.0) <= 1.0:
            yield Contradiction(key, f"{key} is {rate}: use a number from 0 to 1")


def _contradictory_revisions(dataset: "Dataset") -> Iterator[Contradiction]:
    if dataset.revisions not in REVISION_MODES:
        message = f"revisions is {dataset.revisions!r}: use {' or '.join(map(repr, REVISION_MODES))}"
        yield Contradiction("revisions", message)
    elif dataset.revisions == "replace" and dataset.revision is None:
        yield Contradiction("revisions", "revisions is 'replace', but no folder is declared: add revision = \"<name>\"")


def _contradictory_pattern(dataset: "Dataset") -> Iterator[Contradiction]:
    """Yield what is wrong with the key pattern. A misspelled group would be ignored, so each needs a use."""
    if (pattern := dataset.key_pattern) is None:
        return
    for message in problems(pattern):
        yield Contradiction("key_pattern", message)
    for name in group_names(pattern):
        if name not in (*dataset.path_tags, dataset.revision):
            message = f"the group {name!r} is not in path_tags, nor the revision: add it there, or write * instead"
            yield Contradiction("key_pattern", message)
    if dataset.revisions == "replace" and dataset.revision in group_names(pattern):
        yield from _contradictory_folder(pattern, dataset.revision)


def _contradictory_folder(pattern: str, revision: str) -> Iterator[Contradiction]:
    """Yield what is wrong with the folder of a revision that replaces older ones: all in its parent are one slot."""
    folder = folder_pattern(pattern, revision)
    if not folder:
        message = 'with revisions = "replace", the revision must be in the name of a folder, and no ** before it'
        yield Contradiction("key_pattern", message)
    name = folder.removesuffix("/").rpartition("/")[2]
    if len(group_names(name)) > 1 or "*" in name:
        message = (
            f"the folder {name!r} of the revision has another group or *, so that its revisions would replace those of "
            "other files: give each a folder of its own"
        )
        yield Contradiction("key_pattern", message)


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        return False
