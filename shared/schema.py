"""The columns of a Parquet file that hold the tags, fields and times of its dataset.

`plan_columns` maps names to columns, and collects findings: `_ambiguous`, `_missing` and `_mistyped` yield one
line for every problem, so that one error reports all of them.

This is the only module of `shared` that needs pyarrow. Only ValidateSchema, which checks the columns, and
ConvertAndChunk, which reads them, may import it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import types

from shared.datasets import LONG_COLUMNS, Dataset
from shared.errors import SchemaMismatchError
from shared.events import Layout

MAX_COLUMNS = 2_000
"""The largest number of columns. More are a mistake, and they cost memory before a row is read."""

MAX_LISTED_FINDINGS = 20
"""The number of findings in an error's message. Its attribute `findings` holds all of them."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of a file.

    Attributes:
        layout: "wide" with a column for each field, or "long" with one value in each row.
        source: the names of the declaration, mapped to the file's column names.
        tags: the tags that have a column.
        fields: the fields that the file may have values of.
        ignored: the file's columns that the dataset does not declare.
    """

    layout: Layout
    source: Mapping[str, str]
    tags: tuple[str, ...]
    fields: tuple[str, ...]
    ignored: tuple[str, ...]


def plan_columns(schema: pa.Schema, dataset: Dataset, *, validate: bool) -> Columns:
    """Return the columns of the dataset, after checking their names and types.

    Args:
        schema: the schema of the file.
        dataset: the declaration.
        validate: false allows required tags to be absent, but not the timestamp, nor all fields.

    Raises:
        SchemaMismatchError: the columns do not match; it has every finding.
    """
    names = [dataset.aliases.get(name, name) for name in schema.names]
    layout: Layout = "long" if set(LONG_COLUMNS) <= set(names) and not set(names) & set(dataset.field_names) else "wide"
    declared = {dataset.timestamp, *dataset.tags, *(LONG_COLUMNS if layout == "long" else dataset.field_names)}
    source = {name: column for name, column in zip(names, schema.names, strict=True) if name in declared}
    findings = [
        *_ambiguous(names, declared, dataset),
        *_missing(source, dataset, layout, validate=validate),
        *_mistyped(schema, source, dataset),
    ]
    if len(names) > MAX_COLUMNS:
        findings.append(f"{len(names)} columns (limit {MAX_COLUMNS}): write only the columns that are needed")
    if findings:
        raise SchemaMismatchError(_message(findings), findings)
    return Columns(
        layout=layout,
        source=source,
        tags=tuple(tag for tag in dataset.tags if tag in source),
        fields=dataset.field_names if layout == "long" else tuple(f for f in dataset.field_names if f in source),
        ignored=tuple(sorted(set(schema.names) - set(source.values()))),
    )


def _message(findings: list[str]) -> str:
    more = (
        f"; and {len(findings) - MAX_LISTED_FINDINGS} more, which the report lists"
        if len(findings) > MAX_LISTED_FINDINGS
        else ""
    )
    return (
        f"the columns do not match the dataset ({len(findings)} problem(s)): "
        + "; ".join(findings[:MAX_LISTED_FINDINGS])
        + more
    )


def _ambiguous(names: list[str], declared: set[str], dataset: Dataset) -> Iterator[str]:
    for name, times in Counter(names).items():
        if name in declared and times > 1:
            yield f"column {name!r}: it occurs {times} times, aliases included: keep one"
    if set(LONG_COLUMNS) <= set(names) and (both := set(names) & set(dataset.field_names)):
        yield f"columns 'value' and 'unit' as well as {sorted(both)}: write one value per row, or one column per field"


def _missing(source: Mapping[str, str], dataset: Dataset, layout: Layout, *, validate: bool) -> Iterator[str]:
    required = (dataset.timestamp, *(dataset.required_tags if validate else ()))
    for name in required:
        if name not in source:
            yield f"column {name!r} is missing: add it, with {_need(name, dataset)[1]}"
    if layout == "wide" and not set(dataset.field_names) & set(source):
        yield f"no field: add one of {', '.join(dataset.field_names)}, or the columns 'value' and 'unit'"


def _mistyped(schema: pa.Schema, source: Mapping[str, str], dataset: Dataset) -> Iterator[str]:
    for name, column in source.items():
        if schema.names.count(column) == 1:
            kind = schema.field(column).type
            accepted, need = _need(name, dataset)
            value_type = kind.value_type if types.is_dictionary(kind) else kind
            if not (types.is_null(value_type) or accepted(value_type)):
                yield f"column {column!r} has type {kind}: write {need}"


def _need(name: str, dataset: Dataset) -> tuple[Callable[[pa.DataType], bool], str]:
    """Return what the column of a declared name may hold: a test of its type, and the same in words."""
    if name == dataset.timestamp:
        epoch = (types.is_integer, f"integers ({dataset.epoch} since 1970)")
        return epoch if dataset.epoch else (_is_time, "timestamps")
    if name in dataset.tags or name == "unit":
        return _is_label, "text"
    return _is_number, "numbers"


def is_text(kind: pa.DataType) -> bool:
    """Return whether `kind` is text in any of Arrow's forms.

    Binary counts as text, since some writers omit the annotation that distinguishes them.
    """
    text = (types.is_string, types.is_large_string, types.is_string_view)
    binary = (types.is_binary, types.is_large_binary, types.is_binary_view)
    return any(test(kind) for test in (*text, *binary))


def _is_label(kind: pa.DataType) -> bool:
    return is_text(kind) or types.is_integer(kind)


def _is_number(kind: pa.DataType) -> bool:
    return is_text(kind) or types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)


def _is_time(kind: pa.DataType) -> bool:
    return is_text(kind) or types.is_timestamp(kind) or types.is_date(kind)
