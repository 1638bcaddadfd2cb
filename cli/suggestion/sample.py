"""The rows of some files from which `loader suggest` draws its conclusions."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from cli.errors import NotFoundError, RefusedError
from cli.suggestion.folders import tag_folders
from functions.validate_schema.footer import read_footer
from shared.column_types import is_text, type_name

MAX_ROWS = 1_000_000
"""The number of rows to examine. If the files have more, each one contributes its first rows."""


class Sample(NamedTuple):
    """The examined rows of some files.

    Attributes:
        table: the columns that can become times, tags, or fields, without dictionaries, and with null for empty text.
        folders: for each row, the folders of its file's key that become tags.
        file_rows: the number of rows that the files have, examined or not.
        unusable: the other columns, with the reason.
        incomplete: the columns that some of the files do not have.
    """

    table: pa.Table
    folders: pa.Table
    file_rows: int
    unusable: dict[str, str]
    incomplete: frozenset[str]


def read_sample(paths: Sequence[Path]) -> Sample:
    """Read the first rows of each file.

    Raises:
        RefusedError: a file does not exist, or the files have different types for one column.
        CorruptParquetError, EncryptedParquetError, FooterTooLargeError: a file cannot be read.
    """
    max_rows = max(1, MAX_ROWS // len(paths))
    tables, unusable, file_rows = [], dict[str, str](), 0
    for path in paths:
        table, rows, reasons = _read_file(path, max_rows)
        tables.append(table)
        unusable |= reasons
        file_rows += rows
    try:
        table = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise RefusedError(f"the files have different types for one column ({error}): name files of one kind") from None
    counts = Counter(name for each in tables for name in each.column_names)
    incomplete = frozenset(name for name, count in counts.items() if count < len(tables))
    columns = {column for each in tables for column in each.column_names}
    return Sample(table, _folders(paths, tables, columns), file_rows, unusable, incomplete)


def _folders(paths: Sequence[Path], tables: Sequence[pa.Table], columns: set[str]) -> pa.Table:
    """Return the values of the folders that become tags, those that all files have and no column repeats."""
    each = [tag_folders(path) for path in paths]
    names = [name for name in each[0] if name not in columns and all(name in folders for folders in each)]
    rows = [
        pa.table({name: [folders[name]] * table.num_rows for name in names})
        for folders, table in zip(each, tables, strict=True)
    ]
    return pa.concat_tables(rows) if names else pa.table({"": pa.nulls(sum(t.num_rows for t in tables))}).select([])


def _read_file(path: Path, max_rows: int) -> tuple[pa.Table, int, dict[str, str]]:
    """Return the first rows of a file, the number of its rows, and the columns that are of no use, with the reason."""
    if not path.is_file():
        raise NotFoundError(f"no such file: {path}")
    with path.open("rb") as source:
        footer = read_footer(source, path.name)
        unusable = {field.name: reason for field in footer.schema if (reason := _reason_against(field, footer.schema))}
        columns = [name for name in footer.schema.names if name not in unusable]
        file = pq.ParquetFile(source, metadata=footer.metadata)
        batches, rows = [], 0
        for batch in file.iter_batches(batch_size=min(max_rows, 65_536), columns=columns):
            batches.append(batch.slice(0, max_rows - rows))
            rows += batches[-1].num_rows
            if rows == max_rows:
                break
        table = pa.Table.from_batches(batches, file.schema_arrow.empty_table().select(columns).schema)
    plain = {name: _plain(table[name]) for name in columns}
    return pa.table(plain), footer.metadata.num_rows, unusable


def _reason_against(field: pa.Field, schema: pa.Schema) -> str:
    """Return why a column cannot become a time, a tag, or a field; "" if it can."""
    kind = field.type.value_type if types.is_dictionary(field.type) else field.type
    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if schema.names.count(field.name) > 1:
        return "several columns have this name"
    usable = numeric or types.is_timestamp(kind) or types.is_date(kind) or is_text(kind)
    return "" if usable else f"the loader does not read the type {type_name(kind)}"


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without dictionaries. Text is trimmed as the conversion trims it, and null if it is empty."""
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not is_text(column.type):
        return column
    text = pc.ascii_trim_whitespace(column.cast(pa.string(), safe=False))
    return pc.if_else(pc.is_in(text, value_set=pa.array(["", "-"])), None, text)
