"""Files, folders and globs, as an operator names them; no two files get the same key."""

from pathlib import Path

import pytest

from cli.errors import NotFoundError, RefusedError
from cli.sources import assign_keys, find_files, name_of
from cli.targets import S3Object
from shared.file_keys import FileRule

NAMES = ("b.parquet", "a.parquet", "year=2024/c.parquet", "_SUCCESS", ".d.parquet", "notes.txt", "e.pq")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "files"


def keys(*texts: str, rule: FileRule = FileRule()) -> list[str]:  # noqa: B008 - a NamedTuple does not change
    return [source.key for source in assign_keys(find_files(texts, lambda: rule), "generation")]


def test_a_folder_stands_for_its_files_that_the_loader_would_load_with_their_folders(folder: Path) -> None:
    expected = ["a.parquet", "b.parquet", "year=2024/c.parquet"]
    assert keys(str(folder)) == [f"dataset=generation/{name}" for name in expected]
    assert keys(str(folder), rule=FileRule((".pq",))) == ["dataset=generation/e.pq"]


def test_a_glob_stands_for_what_it_matches(folder: Path) -> None:
    assert keys(f"{folder}/[ab].parquet") == [f"dataset=generation/{name}.parquet" for name in "ab"]
    assert keys(f"{folder}/**/c.*") == ["dataset=generation/c.parquet"]
    assert keys(f"{folder}/year=*") == ["dataset=generation/c.parquet"]


def test_files_objects_and_folders_mix_and_each_file_counts_once(folder: Path) -> None:
    sources = assign_keys(
        find_files([f"{folder}/a.parquet", "s3://lake/x.parquet", f"{folder}/*.parquet"]), "generation"
    )
    assert sources[1] == S3Object("lake", "x.parquet")
    assert [name_of(source).rpartition("/")[2] for source in sources] == ["a.parquet", "x.parquet", "b.parquet"]


def test_a_file_whose_name_looks_like_a_glob_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a[1].parquet").touch()
    assert keys(str(tmp_path / "a[1].parquet")) == ["dataset=generation/a[1].parquet"]


def test_two_files_with_the_same_key_are_refused(folder: Path) -> None:
    (folder / "year=2024" / "a.parquet").touch()
    with pytest.raises(RefusedError, match=r"a.parquet have the same key, dataset=generation/a.parquet: rename one"):
        keys(f"{folder}/a.parquet", f"{folder}/year=2024/a.parquet")


def test_what_stands_for_no_file_is_named(folder: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no file matches .*\*.csv"):
        keys(f"{folder}/*.csv")
    with pytest.raises(NotFoundError, match=r"no .orc file is in the folder .*files, which has 7 other files"):
        keys(str(folder), rule=FileRule((".orc",)))
    with pytest.raises(NotFoundError, match="no such file"):
        keys(f"{folder}/f.parquet")


def test_the_dataset_of_a_folder_s_files_is_taken_from_their_paths(folder: Path) -> None:
    named = folder / "dataset=consumption"
    (folder / "year=2024").rename(named)
    assert [source.key for source in assign_keys(find_files([str(named)]), "")] == ["dataset=consumption/c.parquet"]
    with pytest.raises(RefusedError, match=r"the path of a.parquet does not name its dataset"):
        assign_keys(find_files([str(folder)]), "")


def test_a_mistyped_file_gets_the_close_one(tmp_path: Path) -> None:
    (tmp_path / "plants.parquet").touch()
    with pytest.raises(NotFoundError, match=r"no such file: .*plnats.parquet \(did you mean .*plants.parquet\?\)"):
        find_files([str(tmp_path / "plnats.parquet")])
