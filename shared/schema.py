"""Which columns of a Parquet file carry which tag, field and time of its dataset.

The one module of `shared` that needs pyarrow: only ValidateSchema, which checks the columns, and ConvertAndChunk,
which reads them, may import it.
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
"""More are a mistake, and cost memory before a row is read."""

MAX_LISTED_FINDINGS = 20
"""Findings in the message; the error carries all."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where a file keeps what its dataset needs. `source` maps our names to the file's; `ignored` are the others."""

    layout: Layout
    source: Mapping[str, str]
    tags: tuple[str, ...]
    fields: tuple[str, ...]
    ignored: tuple[str, ...]


def plan_columns(schema: pa.Schema, dataset: Dataset, *, validate: bool) -> Columns:
    """Find the dataset's columns and check what they hold. Raises SchemaMismatchError with every finding.

    Without `validate` a required tag may be absent; a usable timestamp and something to write may not.
    """
    names = [dataset.aliases.get(name, name) for name in schema.names]
    layout: Layout = "long" if set(LONG_COLUMNS) <= set(names) and not set(names) & set(dataset.field_names) else "wide"
    wanted = {dataset.timestamp, *dataset.tags, *(LONG_COLUMNS if layout == "long" else dataset.field_names)}
    source = {name: column for name, column in zip(names, schema.names, strict=True) if name in wanted}
    findings = [
        *_ambiguous(names, wanted, dataset),
        *_missing(source, dataset, layout, validate=validate),
        *_mistyped(schema, source, dataset),
    ]
    if len(names) > MAX_COLUMNS:
        findings.append(f"{len(names)} columns (limit {MAX_COLUMNS}): write a file with the columns that are needed")
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
        f"; and {len(findings) - MAX_LISTED_FINDINGS} more, all in the report"
        if len(findings) > MAX_LISTED_FINDINGS
        else ""
    )
    return f"{len(findings)} finding(s) in the columns: " + "; ".join(findings[:MAX_LISTED_FINDINGS]) + more


def _ambiguous(names: list[str], wanted: set[str], dataset: Dataset) -> Iterator[str]:
    for name, times in Counter(names).items():
        if name in wanted and times > 1:
            yield f"column {name!r}: found {times} times, aliases included: keep one"
    if set(LONG_COLUMNS) <= set(names) and (both := set(names) & set(dataset.field_names)):
        yield f"columns 'value' and 'unit' beside {sorted(both)}: write one value per row, or one column per field"


def _missing(source: Mapping[str, str], dataset: Dataset, layout: Layout, *, validate: bool) -> Iterator[str]:
    required = (dataset.timestamp, *(dataset.required_tags if validate else ()))
    for name in required:
        if name not in source:
            yield f"column {name!r}: not found, needed: {_need(name, dataset)[1]}"
    if layout == "wide" and not set(dataset.field_names) & set(source):
        yield f"no field found, needed: one of {', '.join(dataset.field_names)}, or the columns 'value' and 'unit'"


def _mistyped(schema: pa.Schema, source: Mapping[str, str], dataset: Dataset) -> Iterator[str]:
    for name, column in source.items():
        if schema.names.count(column) == 1:
            found = schema.field(column).type
            accepted, need = _need(name, dataset)
            value_type = found.value_type if types.is_dictionary(found) else found
            if not (types.is_null(value_type) or accepted(value_type)):
                yield f"column {column!r}: found {found}, needed: {need}"


def _need(name: str, dataset: Dataset) -> tuple[Callable[[pa.DataType], bool], str]:
    """What a column of ours may hold, as a test and in words."""
    if name == dataset.timestamp:
        epoch = (types.is_integer, f"integers, {dataset.epoch} since 1970")
        return epoch if dataset.epoch else (_is_time, "a timestamp")
    if name in dataset.tags or name == "unit":
        return _is_label, "text"
    return _is_number, "numbers"


def is_text(kind: pa.DataType) -> bool:
    """Text in any of Arrow's forms; binary too, since some writers leave the annotation away."""
    text = (types.is_string, types.is_large_string, types.is_string_view)
    binary = (types.is_binary, types.is_large_binary, types.is_binary_view)
    return any(test(kind) for test in (*text, *binary))


def _is_label(kind: pa.DataType) -> bool:
    return is_text(kind) or types.is_integer(kind)


def _is_number(kind: pa.DataType) -> bool:
    return is_text(kind) or types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)


def _is_time(kind: pa.DataType) -> bool:
    return is_text(kind) or types.is_timestamp(kind) or types.is_date(kind)
