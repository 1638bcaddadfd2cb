"""The suggestion: a declaration with the reasons for each of its keys.

`suggest` examines the rows (`_Rows`) and chooses the time, the fields and the tags. `cli/suggestion/text.py` writes the
result as TOML.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from cli.errors import RefusedError
from cli.suggestion.fields import Columns, codes_of, field_unit, long_fields, snake_case, sort_columns, unit_name
from cli.suggestion.folders import folders_of, is_revision, pattern_of
from cli.suggestion.sample import Sample, read_sample
from cli.suggestion.tag_choice import Codes, choose_tags, combine, count_distinct
from cli.suggestion.times import TimeColumn, choose_zone, find_time, times_of
from shared.contradictions import MAX_FIELDS
from shared.plausibility import DEFAULT_SHARD_SECONDS, YEAR_1_S

EXAMPLES = 3
"""The number of rows to show that the tags do not distinguish."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A suggested declaration, and what its comments say.

    Attributes:
        name: the name of the dataset.
        rows: the number of examined rows.
        file_rows: the number of rows that the files have.
        time: the column of times.
        zone: the zone of local times.
        zone_reason: why it is this zone.
        tags: the columns that become tags.
        required: those tags that have a value in all rows.
        path_tags: the folders of the key that become tags.
        units: the columns that become fields, with their units. In the long layout, the names of the fields.
        long_columns: the columns `value` and `unit` of the long layout, mapped to the file's names; {} if it is wide.
        revision: the name of the folder in the key that holds the revision, or "".
        key_pattern: the pattern of the keys if no folder names the dataset, or "".
        followers: columns that have one value in each series.
        others: columns that are left out, with the reason.
        series: the number of series of the examined rows.
        shards: the number of InfluxDB's shard groups of seven days that their times touch.
        collisions: the number of rows that give a point another value than a later row.
        examples: some of these rows.
    """

    name: str
    rows: int
    file_rows: int
    time: TimeColumn
    zone: str
    zone_reason: str
    tags: Sequence[str]
    required: frozenset[str]
    path_tags: Sequence[str]
    units: dict[str, str]
    long_columns: dict[str, str]
    revision: str
    key_pattern: str
    followers: Sequence[str]
    others: dict[str, str]
    series: int
    shards: int
    collisions: int
    examples: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Rows:
    """The rows that have a time.

    Attributes:
        table: the rows.
        moments: a code for each row, equal where the time, the folders that become tags, and, in the long layout, the
            unit are equal.
        path: a code for each row, equal where the folders that become tags are equal.
        columns: what the columns can become.
        long_columns: as in `Suggestion`.
        units: the units of the long layout.
    """

    table: pa.Table
    moments: Codes
    path: Codes
    columns: Columns
    long_columns: dict[str, str]
    units: Sequence[str]


def suggest(paths: Sequence[Path], name: str, zone: str) -> Suggestion:
    """Return the suggestion for some files of one dataset.

    Args:
        paths: the files.
        name: the name of the dataset; "" for that of the folder `dataset=<name>`, or of the first file.
        zone: the zone of local times; "" to look for it in the times.

    Raises:
        RefusedError: a file does not exist, no column holds times, or no column holds numbers.
    """
    sample = read_sample(paths)
    time = find_time(sample.table)
    zone, zone_reason = choose_zone(sample.table[time.name], time, zone)
    rows = _examine(sample, time)
    tags, labels, fields = _choose(rows)
    units = _units(rows, fields)
    if not units:
        reasons = "; ".join(f"{column} is {reason}" for column, reason in rows.columns.others.items())
        raise RefusedError(f"no column has numbers that vary, so there is no field ({reasons}): name more files")
    codes = [labels[tag] for tag in tags]
    values = [codes_of(rows.table[each]) for each in (*fields, *rows.long_columns.values())]
    points = count_distinct(rows.moments, *codes)
    series = count_distinct(rows.path, *codes)
    followers = [
        n for n in labels if n not in (*tags, *fields) and count_distinct(rows.path, *codes, labels[n]) == series
    ]
    folders = folders_of(paths[0])
    revision = next((folder for folder, value in folders.items() if is_revision(folder, value)), "")
    return Suggestion(
        name=name or folders.get("dataset") or snake_case(paths[0].stem),
        rows=rows.table.num_rows,
        file_rows=sample.file_rows,
        time=time,
        zone=zone,
        zone_reason=zone_reason,
        tags=tags,
        required=frozenset(t for t in tags if not rows.table[t].null_count and t not in sample.incomplete),
        units=units,
        long_columns=rows.long_columns,
        revision=revision,
        key_pattern=pattern_of(paths, [*sample.folders.column_names, revision]),
        path_tags=sample.folders.column_names,
        followers=followers,
        others=_others(sample, rows, list(labels), [*tags, *followers], fields),
        series=series,
        shards=_shards(times_of(rows.table[time.name], time, zone)),
        collisions=count_distinct(rows.moments, *codes, *values) - points,
        examples=_examples(rows, codes, [time.name, *tags]),
    )


def _examine(sample: Sample, time: TimeColumn) -> _Rows:
    has_time = pc.is_valid(sample.table[time.name])
    table, folders = sample.table.filter(has_time), sample.folders.filter(has_time)
    long_columns, units = long_fields(table) or ({}, [])
    times = codes_of(table[time.name])
    columns = sort_columns(table, times, {time.name, *long_columns.values()})
    path = combine([np.zeros(table.num_rows, np.int64), *map(codes_of, folders.columns)])
    moments = combine([times, path, *([codes_of(table[long_columns["unit"]])] if long_columns else [])])
    return _Rows(table, moments, path, columns, long_columns, units)


def _choose(rows: _Rows) -> tuple[list[str], dict[str, Codes], list[str]]:
    """Return the tags, the codes of all columns that can be tags, and the fields.

    Integers that look like measured numbers are labels only if no other column distinguishes the rows.
    """
    labels, fields = rows.columns.labels, rows.columns.fields
    integers = {n: codes_of(rows.table[n]) for n in fields if types.is_integer(rows.table[n].type)}
    without = count_distinct(rows.moments, *labels.values()) if integers else len(rows.moments)
    if without < len(rows.moments):
        extended = labels | {name: codes for name, codes in integers.items() if _repeat_in_time(codes, rows.moments)}
        if count_distinct(rows.moments, *extended.values()) > without:
            labels = extended
    tags = choose_tags(rows.moments, labels)
    return tags, labels, [name for name in fields if name not in tags and not rows.long_columns][:MAX_FIELDS]


def _repeat_in_time(codes: Codes, moments: Codes) -> bool:
    """Return whether a column has about the same values at all times, as the numbers of units do."""
    return count_distinct(codes) * 2 <= count_distinct(moments, codes) or count_distinct(moments) == 1


def _shards(times_ns: NDArray[np.int64]) -> int:
    return len(np.unique((times_ns // 10**9 + YEAR_1_S) // DEFAULT_SHARD_SECONDS))


def _units(rows: _Rows, fields: Sequence[str]) -> dict[str, str]:
    if rows.long_columns:
        return {f"value_{unit_name(unit)}": unit for unit in rows.units}
    return {name: field_unit(name) for name in fields}


def _others(
    sample: Sample, rows: _Rows, labels: Sequence[str], used: Sequence[str], fields: Sequence[str]
) -> dict[str, str]:
    """Return the columns that are not `used` as tags, or named as possible tags, with the reason."""
    numbers = [name for name in rows.columns.fields if name not in (*fields, *used)]
    return {
        **sample.unusable,
        **rows.columns.others,
        **dict.fromkeys(numbers, _reason_against_number(rows)),
        **{name: "not needed to distinguish rows" for name in labels if name not in (*used, *fields, *numbers)},
    }


def _reason_against_number(rows: _Rows) -> str:
    if rows.long_columns:
        return f"in the long layout, {rows.long_columns['value']} holds all values"
    return f"a dataset has at most {MAX_FIELDS} fields"


def _examples(rows: _Rows, codes: Sequence[Codes], names: Sequence[str]) -> list[str]:
    """Return some points that several rows have, as text."""
    points = combine([rows.moments, *codes])
    _, first, counts = np.unique(points, return_index=True, return_counts=True)
    repeated = np.sort(first[counts > 1])[:EXAMPLES]
    return [", ".join(f"{name}={rows.table[name][int(row)]}" for name in names) for row in repeated]
