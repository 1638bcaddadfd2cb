"""What is wrong with the columns of a file: `findings` returns one line for each problem.

`_ambiguous`, `_missing`, `_path_tags` and `_mistyped` yield the lines. A misspelled column would be ignored, so
`_missing` searches the columns that are not declared for those that nearly are (`shared/near_misses.py`). `Clues` is
what else is known of the file; it makes the advice more exact.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import types

from shared.column_types import accepts, expected_content, type_name
from shared.datasets import Dataset
from shared.events import Layout
from shared.file_keys import key_values
from shared.near_misses import difference, is_time_name, is_time_of_file, unit_of
from shared.plausible_times import TimeLimits, plausible_units
from shared.units import LONG_COLUMNS

MAX_COLUMNS = 2_000
"""The largest number of columns. More are a mistake, and they cost memory before a row is read."""

_DIGITS = '"s" if its values have 10 digits, "ms" if 13, "us" if 16, "ns" if 19'


def _toml(text: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


@dataclass(frozen=True, kw_only=True)
class Clues:
    """Facts about a file that are not in its schema.

    Attributes:
        key: the key of the object.
        limits: the plausible times.
        integer_range: returns the smallest and the largest value of a column of integers, or None if unknown.
    """

    key: str = ""
    limits: TimeLimits | None = None
    integer_range: Callable[[str], tuple[int, int] | None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class SchemaCheck:
    """The columns of one file next to its dataset.

    Attributes:
        names: the names of the file's columns, with aliases replaced by declared names.
        source: the declared names that the file has, mapped to its columns.
        validate: false allows required tags to be absent.
    """

    schema: pa.Schema
    dataset: Dataset
    layout: Layout
    names: list[str]
    source: Mapping[str, str]
    validate: bool
    clues: Clues

    def findings(self) -> list[str]:
        """Return a line for every problem."""
        findings = [*self._ambiguous(), *self._missing(), *self._path_tags(), *self._mistyped()]
        if len(self.names) > MAX_COLUMNS:
            findings.append(f"{len(self.names)} columns (limit {MAX_COLUMNS}): write only the columns that are needed")
        return findings

    def _ambiguous(self) -> Iterator[str]:
        declared = {self.dataset.timestamp, *self.dataset.tags, *self._value_columns}
        for name, times in Counter(self.names).items():
            if name in declared and times > 1:
                yield f"column {name!r}: it occurs {times} times, aliases included: keep one"
        both = set(self.names) & set(self.dataset.field_names)
        if both and set(LONG_COLUMNS) <= set(self.names):
            both_layouts = f"columns 'value' and 'unit' as well as {sorted(both)}"
            yield f"{both_layouts}: write one value per row, or one column per field"

    @property
    def _value_columns(self) -> tuple[str, ...]:
        return LONG_COLUMNS if self.layout == "long" else self.dataset.field_names

    def _missing(self) -> Iterator[str]:
        dataset, validate = self.dataset, self.validate
        required = (dataset.timestamp, *(dataset.required_tags if validate else ()))
        for name in (*required, *(dataset.optional_tags if validate else ())):
            if name not in self.source and name not in dataset.path_tags:
                misses = list(self._near_misses(name))
                yield from misses or ([self._missing_column(name)] if name in required else [])
        yield from self._missing_fields()

    def _missing_fields(self) -> Iterator[str]:
        """Yield findings about fields that the file may have under another spelling, or about a file without fields."""
        if self.layout == "long":
            return
        no_field = not set(self.dataset.field_names) & set(self.source)
        names = (*self.dataset.field_names, *(LONG_COLUMNS if no_field else ()))
        names = names if no_field or self.validate else ()
        misses = [miss for name in names if name not in self.names for miss in self._near_misses(name)]
        yield from misses
        if no_field and not misses:
            yield f"no field: add one of {', '.join(self.dataset.field_names)}, or the columns 'value' and 'unit'"

    def _path_tags(self) -> Iterator[str]:
        """Yield a line for each tag that is to be in the key, and is not there exactly once."""
        required = self.dataset.required_tags if self.validate else ()
        for tag in self.dataset.path_tags:
            values = key_values(self.clues.key, tag, self.dataset.key_pattern)
            if tag in self.source:
                yield (
                    f"column {self.source[tag]!r} is a tag that the key has: remove the column, or remove {tag!r} from "
                    f"path_tags of dataset {self.dataset.name!r}"
                )
            elif len(set(values)) > 1:
                yield f"tag {tag!r} has several values in the key, {', '.join(map(repr, values))}: keep one folder"
            elif not values and tag in required:
                folder = self._similar_folder(tag)
                only = f", only {folder!r}" if folder else ""
                yield (
                    f"tag {tag!r} is missing: the key has no folder '{tag}=VALUE'{only}: move the file into such a "
                    f"folder, or remove {tag!r} from path_tags of dataset {self.dataset.name!r}"
                )

    def _missing_column(self, name: str) -> str:
        line = f"column {name!r} is missing"
        advice = f"with {expected_content(name, self.dataset)}"
        if not (folder := self._similar_folder(name)):
            return f"{line}: add it, {advice}"
        line += f": only the key has it, as the folder {folder!r}: write the column into the file, {advice}"
        if name not in self.dataset.tags:
            return line
        return f"{line}, or declare path_tags = [{_toml(name)}] in dataset {self.dataset.name!r}"

    def _similar_folder(self, name: str) -> str:
        """Return the folder `<name>=<value>` of the key, or one whose name is spelled differently, or ""."""
        for folder in self.clues.key.split("/")[:-1]:
            column, equals, _ = folder.partition("=")
            if equals and (column == name or difference(column, name, ignore_unit=False)):
                return folder
        return ""

    def _near_misses(self, name: str) -> Iterator[str]:
        """Yield a line for each column that may be the one with the declared name, which is missing."""
        declared = {*self.source.values(), *self.dataset.ignored_columns}
        columns = [column for column in dict.fromkeys(self.schema.names) if column not in declared]
        ignore_unit = name in self.dataset.field_names
        spellings = {column: difference(column, name, ignore_unit=ignore_unit) for column in columns}
        for column, kind in spellings.items():
            if kind:
                yield self._near_miss(column, name, f"differs from it only in {kind}")
        if name == self.dataset.timestamp and not any(spellings.values()):
            for column in filter(self._may_be_time, columns):
                yield self._near_miss(column, name, "looks like a time column")

    def _near_miss(self, column: str, name: str, resemblance: str) -> str:
        type_ = self._type(column)
        line = f"aliases = {{ {_toml(column)} = {_toml(name)} }}"
        condition, epoch = "", ""
        units = [field.unit for field in self.dataset.fields if field.name == name]
        if units and unit_of(column) not in ("", units[0].casefold(), unit_of(name)):
            condition = f", if its values are in {units[0]},"
        if name == self.dataset.timestamp and types.is_integer(type_) and not self.dataset.epoch:
            epoch = f", and {self._epoch_advice(column)}"
        other = (
            ""
            if name in self._required
            else f"; if it means something else, declare ignored_columns = [{_toml(column)}]"
        )
        return (
            f"column {name!r} is missing, but {column!r} ({type_name(type_)}) {resemblance}: rename it, or{condition} "
            f"declare {line} in dataset {self.dataset.name!r}{epoch}{other}"
        )

    @property
    def _required(self) -> tuple[str, ...]:
        return (self.dataset.timestamp, *self.dataset.required_tags)

    def _may_be_time(self, column: str) -> bool:
        """Return whether a column holds times, or has the name of a time column and values that could be times."""
        type_ = self._type(column)
        if types.is_timestamp(type_) or types.is_date(type_):
            return not is_time_of_file(column)
        return is_time_name(column) and (
            types.is_integer(type_) or accepts(type_, self.dataset.timestamp, self.dataset)
        )

    def _mistyped(self) -> Iterator[str]:
        for name, column in self.source.items():
            type_ = self._type(column)
            if self.schema.names.count(column) > 1 or accepts(type_, name, self.dataset):
                continue
            line = f"column {column!r} has type {type_name(type_)}: write {expected_content(name, self.dataset)}"
            is_epoch = name == self.dataset.timestamp and types.is_integer(type_)
            yield f"{line}, or {self._epoch_advice(column)}" if is_epoch else line

    def _epoch_advice(self, column: str) -> str:
        """Return which `epoch` would make a column of integers plausible times."""
        values, limits, advice = self.clues.integer_range(column), self.clues.limits, "declare epoch = "
        if not values or not limits:
            return f"{advice}{_DIGITS}"
        units = [f"{_toml(unit)} (then its times are {span})" for unit, span in plausible_units(*values, limits)]
        if units:
            return advice + " or ".join(units)
        return (
            f"correct its values: {values[0]} to {values[1]} are no times between {limits} in any unit (s, ms, us, ns)"
        )

    def _type(self, column: str) -> pa.DataType:
        return self.schema.field(self.schema.names.index(column)).type
