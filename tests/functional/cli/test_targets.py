"""Files, objects and prefixes, as an operator types them."""

import re
from pathlib import Path

import pytest

from cli.errors import RefusedError
from cli.targets import LocalFile, Prefix, S3Object, check_dataset, local_file, parse_object, parse_prefix
from tests.support.own_datasets import declare_datasets

PLANTS = """
[plants]
measurement = "plant_data"
key_pattern = "exports/{region}/*.parquet"
required_tags = ["region"]
path_tags = ["region"]
fields = [{ name = "power_mw", unit = "MW" }]
"""


def test_an_address_names_an_object() -> None:
    target = parse_object("s3://bucket/dataset=generation/a b.parquet")
    assert target == S3Object("bucket", "dataset=generation/a b.parquet")
    assert target.address == "s3://bucket/dataset=generation/a b.parquet"


@pytest.mark.parametrize("text", ["s3://", "s3://bucket", "s3://bucket/", "s3:///key"])
def test_an_address_without_bucket_or_key_is_not_one_of_an_object(text: str) -> None:
    with pytest.raises(RefusedError, match="is not the address of an object: use s3://BUCKET/KEY"):
        parse_object(text)


def test_a_file_gets_a_key_in_the_folder_of_its_dataset(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.touch()
    assert local_file(path, "consumption", path.name) == LocalFile(path, "dataset=consumption/a.parquet")


@pytest.mark.parametrize(
    ("folder", "key"),
    [
        ("dataset=generation", "dataset=generation/a.parquet"),
        ("dataset=generation/year=2024", "dataset=generation/year=2024/a.parquet"),
        ("dataset=generation/dataset=consumption", "dataset=consumption/a.parquet"),
        ("dataset=generation/dataset=weather", "dataset=generation/dataset=weather/a.parquet"),
    ],
)
def test_the_dataset_is_the_last_folder_that_names_one(tmp_path: Path, folder: str, key: str) -> None:
    path = tmp_path / folder / "a.parquet"
    path.parent.mkdir(parents=True)
    path.touch()
    assert local_file(path, "", path.name) == LocalFile(path, key)


@pytest.mark.parametrize(
    ("folder", "problem"),
    [
        ("generation", "does not name its dataset"),
        ("data-set=generation", "does not name its dataset"),
        ("dataset=", "names a dataset that is not declared (dataset=)"),
        ("dataset=weather", "names a dataset that is not declared (dataset=weather)"),
    ],
)
def test_a_path_that_names_no_dataset_needs_the_option(tmp_path: Path, folder: str, problem: str) -> None:
    path = tmp_path / folder / "a.parquet"
    path.parent.mkdir()
    path.touch()
    message = f"the path of a.parquet {problem}: add --dataset generation|consumption|transmission, or declare"
    with pytest.raises(RefusedError, match=re.escape(message)):
        local_file(path, "", path.name)


def test_a_file_gets_the_key_that_matches_a_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare_datasets(monkeypatch, tmp_path, PLANTS)
    path = tmp_path / "exports" / "SE" / "a.parquet"
    path.parent.mkdir(parents=True)
    path.touch()
    assert local_file(path, "", path.name) == LocalFile(path, "exports/SE/a.parquet")
    with pytest.raises(RefusedError, match=r"have keys like exports/\{region\}/\*.parquet: put a.parquet into such"):
        local_file(path, "plants", path.name)


def test_a_prefix_is_one_of_the_source_bucket_unless_it_is_an_address() -> None:
    assert parse_prefix("a/b", "source") == Prefix("source", "a/b")
    assert parse_prefix("s3://other/a/b", "source").address == "s3://other/a/b"
    assert parse_prefix("s3://other", "source") == Prefix("other", "")
    with pytest.raises(RefusedError, match="has no bucket name"):
        parse_prefix("s3:///a", "source")


def test_an_unknown_dataset_is_answered_with_those_there_are() -> None:
    check_dataset("generation")
    with pytest.raises(RefusedError, match="unknown dataset 'weather': use one of generation, consumption, transm"):
        check_dataset("weather")
