"""Files by five writers, with columns of every type, in every use: points are exact, or an error names the column.

Dimensions, drawn by `files`: the writer (pyarrow, arro3, polars, duckdb, fastparquet) and its options (compression,
dictionaries and when they are given up, versions of pages and writers, sizes of pages and row groups, statistics,
checksums, INT96, with or without the stored schema); the type of a tag, of a field, and of the time; up to two ignored
columns of any type; the number of rows; nulls; and which rows are set aside, collide, or repeat another one.

The oracle, `expected`, shares no code with the converter.
"""

import io
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis.errors import UnsatisfiedAssumption
from line_protocol_parser import parse_line

from shared.errors import CorruptParquetError, SchemaMismatchError, UnsupportedParquetError
from tests.support.column_kinds import KINDS, START
from tests.support.staged_file import StagedFile, stage
from tests.support.writer_files import (
    CHANGED_BY_WRITERS,
    PLAIN,
    USES,
    Expected,
    File,
    WriterLacksTypeError,
    expected,
    files,
)
from tests.support.writers import WRITERS


def check(file: File) -> None:
    """Load a file, and compare the result with the oracle. A file that cannot be written does not count."""
    try:
        content = file.content()
    except WriterLacksTypeError:
        reject()
    refused = [name for name, use in USES.items() if not getattr(KINDS[file.kinds[name]], use)]
    staged, message = _load(content)
    if staged is None:
        named = {name for name in USES if repr(name) in message}
        assert named
        may_be_refused = refused or not file.writer.keeps_types or CHANGED_BY_WRITERS & set(file.kinds.values())
        assert may_be_refused or named & set(_unreadable_columns(content, USES))
    elif refused:  # the writer changed the type, so the oracle does not know what the values mean
        assert not file.writer.keeps_types
    else:
        compare(staged, expected(file))
        _compare_quarantine(staged, content)


def _load(content: bytes) -> tuple[StagedFile | None, str]:
    """Return the result of a load, or the message of the error that names a column."""
    try:
        return stage(content), ""
    except (SchemaMismatchError, UnsupportedParquetError, CorruptParquetError) as error:
        return None, str(error)


def _unreadable_columns(content: bytes, columns: Iterable[str]) -> list[str]:
    """Return the columns that Arrow itself cannot read, such as DuckDB's largest integers of 32 bits in DELTA."""
    names = []
    for name in columns:
        try:
            pq.ParquetFile(io.BytesIO(content)).read([name])
        except OSError:
            names.append(name)
    return names


def compare(staged: StagedFile, oracle: Expected) -> None:
    """Compare points and rows that were set aside."""
    lines = [parse_line(line) for line in staged.lines]
    tags = [(line["tags"].get("region"), line["tags"].get("plant_name")) for line in lines]
    points = {(*pair, line["time"]): line["fields"]["power_mw"] for pair, line in zip(tags, lines, strict=True)}
    assert len(points) == len(lines)
    assert points == oracle.points
    assert {row: rule in oracle.set_aside[row] for row, rule in staged.rows_set_aside.items()} == dict.fromkeys(
        oracle.set_aside, True
    )
    assert sum(outcome["collapsed"] for outcome in staged.outcomes) == oracle.collapsed
    assert len(list(staged.samples)) >= min(1, len(oracle.set_aside))


def _compare_quarantine(staged: StagedFile, content: bytes) -> None:
    """Compare the columns of rows that were set aside with what Arrow reads of the whole file."""
    for table in staged.quarantine:
        names = [name for name in table.column_names if name.startswith("other_")]
        for name in set(names) - set(_unreadable_columns(content, names)):
            every = pq.ParquetFile(io.BytesIO(content)).read([name]).column(name).combine_chunks()
            for row, source_row in enumerate(table.column("source_row").to_pylist()):
                assert _shown(table.column(name), row) == _shown(every, source_row)


def _shown(column: pa.Array | pa.ChunkedArray, row: int) -> str:
    """Return the text that Python or Arrow have for a value."""
    value = column[row]
    return str(value.value if isinstance(value, pa.DictionaryScalar) else value)


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files())
def test_files_of_every_writer_load_exactly_or_name_a_column(file: File) -> None:
    check(file)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(files())
def test_two_thousand_files_load_exactly_or_name_a_column(file: File) -> None:
    check(file)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("writer", WRITERS)
def test_every_type_of_every_writer_may_be_ignored_next_to_a_row_that_is_set_aside(writer: str, kind: str) -> None:
    values = [*KINDS[kind].values[:2], None]
    rows = len(values)
    kinds = PLAIN | {"other_0": kind}
    columns: dict[str, list[Any]] = {"timestamp": [START // 1000] * rows, "region": [None] * rows}
    columns |= {"plant_name": ["x"] * rows, "power_mw": [0.1] * rows, "other_0": values}
    file = File(WRITERS[writer], {}, kinds, columns)
    try:
        check(file)
    except UnsatisfiedAssumption:
        pytest.skip(f"{writer} cannot write {kind}")
