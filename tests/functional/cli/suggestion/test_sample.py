"""The sample has the columns that can become times, tags and fields, and says why others cannot."""

from pathlib import Path

import pyarrow as pa
import pytest

from cli.errors import NotFoundError, RefusedError
from cli.suggestion import sample
from cli.suggestion.sample import read_sample
from shared.errors import CorruptParquetError
from tests.support.builders import generation, parquet


def write(folder: Path, name: str, table: pa.Table) -> Path:
    (path := folder / name).write_bytes(parquet(table, row_group_size=3))
    return path


def test_text_is_trimmed_and_empty_text_is_null(tmp_path: Path) -> None:
    regions = pa.array([" SE", "-", ""]).dictionary_encode()
    read = read_sample([write(tmp_path, "a", generation(3, region=regions))])
    assert read.table["region"].to_pylist() == ["SE", None, None]


def test_types_that_no_declaration_can_use_are_named(tmp_path: Path) -> None:
    read = read_sample([write(tmp_path, "a", generation(2, on=[True, False], nested=[[1], [2]]))])
    assert read.unusable == {
        "on": "the loader does not read the type bool",
        "nested": "the loader does not read the type list<element: int64>",
    }
    assert "on" not in read.table.column_names


def test_each_file_contributes_its_first_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "MAX_ROWS", 8)
    read = read_sample([write(tmp_path, name, generation(rows)) for name, rows in (("a", 3), ("b", 10))])
    assert (read.table.num_rows, read.file_rows) == (3 + 4, 13)
    assert read.table["power_mw"].to_pylist() == [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 3.0]


def test_columns_that_some_files_lack_are_incomplete(tmp_path: Path) -> None:
    read = read_sample([write(tmp_path, "a", generation()), write(tmp_path, "b", generation(plant_name=["x"] * 3))])
    assert read.incomplete == {"plant_name"}
    assert read.table["plant_name"].null_count == 3


def test_files_of_different_types_damaged_files_and_missing_files_are_errors(tmp_path: Path) -> None:
    good = write(tmp_path, "a", generation())
    with pytest.raises(RefusedError, match="different types for one column"):
        read_sample([good, write(tmp_path, "b", generation(power_mw=["x"] * 3))])
    (tmp_path / "c").write_bytes(b"no Parquet")
    with pytest.raises(CorruptParquetError, match="c: "):
        read_sample([tmp_path / "c"])
    with pytest.raises(NotFoundError, match="no such file"):
        read_sample([tmp_path / "d"])
