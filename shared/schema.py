"""The columns of a Parquet file that hold the tags, fields and times of its dataset.

`plan_columns` maps declared names to columns. `SchemaCheck` of `shared/schema_findings.py` collects everything that is
wrong with them, so that one error reports all of it.

Only this module, `schema_findings`, `column_types` and `parquet_schema` of `shared` need pyarrow. Only ValidateSchema,
which checks the columns, and ConvertAndChunk, which reads them, may import them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from shared.bounded_text import bound
from shared.column_types import expected_content, type_name
from shared.datasets import Dataset
from shared.errors import SchemaMismatchError, UnsupportedParquetError
from shared.events import Layout
from shared.file_keys import key_values
from shared.parquet_schema import unsupported_type
from shared.schema_findings import Clues, SchemaCheck
from shared.units import LONG_COLUMNS

MAX_FINDING_CHARACTERS, MAX_COLUMN_CHARACTERS = 1_000, 100
"""The limits of one finding and one column in a message. The findings object has all of them."""

MAX_LISTED_FINDINGS = 20
"""The number of findings in an error's message. Its attribute `findings` holds all of them."""

MAX_LISTED_COLUMNS, MAX_TYPE_CHARACTERS = 30, 40
"""The number of the file's columns in an error's message, and the length of a type there."""

NO_CLUES = Clues()


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of a file.

    Attributes:
        layout: "wide" with a column for each field, or "long" with one value in each row.
        source: the names of the declaration, mapped to the file's column names.
        tags: the tags that have a column, or a value in the key.
        path_tags: the tags that the key has, with their values; "" is no value.
        fields: the fields that the file may have values of.
        ignored: the file's columns that the dataset does not declare.
    """

    layout: Layout
    source: Mapping[str, str]
    tags: tuple[str, ...]
    path_tags: Mapping[str, str]
    fields: tuple[str, ...]
    ignored: tuple[str, ...]


def plan_columns(schema: pa.Schema, dataset: Dataset, *, validate: bool, clues: Clues = NO_CLUES) -> Columns:
    """Return the columns of the dataset, after checking their names and types.

    Args:
        schema: the schema of the file.
        dataset: the declaration.
        validate: false allows required tags to be absent, but not the timestamp, nor all fields.
        clues: facts about the file that are not in its schema: its key, and others for findings.

    Raises:
        SchemaMismatchError: the columns do not match; it has every finding.
        UnsupportedParquetError: Arrow has no type for a column of the dataset.
    """
    names = [dataset.aliases.get(name, name) for name in schema.names]
    layout: Layout = "long" if set(LONG_COLUMNS) <= set(names) and not set(names) & set(dataset.field_names) else "wide"
    declared = {dataset.timestamp, *dataset.tags, *(LONG_COLUMNS if layout == "long" else dataset.field_names)}
    source = {name: column for name, column in zip(names, schema.names, strict=True) if name in declared}
    _check_supported(schema, source, dataset)
    check = SchemaCheck(
        schema=schema, dataset=dataset, layout=layout, names=names, source=source, validate=validate, clues=clues
    )
    if findings := check.findings():
        columns = [f"{field.name!r} {_short(type_name(field.type))}" for field in schema]
        raise SchemaMismatchError(_message(findings, columns), findings, columns)
    values = {tag: key_values(clues.key, tag, dataset.key_pattern) for tag in dataset.path_tags}
    path_tags = {tag: value for tag, [value, *_] in ((tag, of_tag) for tag, of_tag in values.items() if of_tag)}
    return Columns(
        layout=layout,
        source=source,
        tags=tuple(tag for tag in dataset.tags if tag in source or tag in path_tags),
        path_tags=path_tags,
        fields=dataset.field_names if layout == "long" else tuple(f for f in dataset.field_names if f in source),
        ignored=tuple(sorted(set(schema.names) - set(source.values()))),
    )


def _check_supported(schema: pa.Schema, source: Mapping[str, str], dataset: Dataset) -> None:
    """Raise UnsupportedParquetError for columns of the dataset that Arrow has no type for."""
    kinds = {name: unsupported_type(schema.field(schema.names.index(column)).type) for name, column in source.items()}
    if findings := [
        f"column {source[name]!r} has the type {kind}, which the loader cannot read: write it with "
        f"{expected_content(name, dataset)}"
        for name, kind in kinds.items()
        if kind
    ]:
        raise UnsupportedParquetError("; ".join(findings))


def _message(findings: list[str], columns: list[str]) -> str:
    listed_findings = [bound(finding, MAX_FINDING_CHARACTERS) for finding in findings[:MAX_LISTED_FINDINGS]]
    listed_columns = [bound(column, MAX_COLUMN_CHARACTERS) for column in columns[:MAX_LISTED_COLUMNS]]
    return (
        f"the columns do not match the dataset ({len(findings)} problem(s)): "
        f"{'; '.join(listed_findings)}{_more(findings, MAX_LISTED_FINDINGS)}. "
        f"The file has the columns {', '.join(listed_columns)}{_more(columns, MAX_LISTED_COLUMNS)}"
    )


def _more(items: list[str], limit: int) -> str:
    return f"; and {len(items) - limit} more, which the report lists" if len(items) > limit else ""


def _short(text: str) -> str:
    return text if len(text) <= MAX_TYPE_CHARACTERS else f"{text[: MAX_TYPE_CHARACTERS - 1]}…"
