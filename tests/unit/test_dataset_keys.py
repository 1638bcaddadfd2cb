"""A key belongs to one dataset: by its folder, or by a key pattern."""

from pathlib import Path

import pytest

from shared.dataset_keys import dataset_of, find_dataset, source_prefixes
from shared.errors import AmbiguousDatasetError, UnknownDatasetError
from shared.revisions import revision_of, slot_of
from tests.support.own_datasets import declare_datasets

DATASETS = """
[plants]
measurement = "plant_data"
key_pattern = "exports/{region}/v{version}/*.parquet"
required_tags = ["region"]
path_tags = ["region"]
revision = "version"
revisions = "replace"
fields = [{ name = "power_mw", unit = "MW" }]

[meters]
measurement = "meter_data"
key_pattern = "**/meters-{day}.parquet"
required_tags = ["site"]
revision = "day"
fields = [{ name = "energy_mwh", unit = "MWh" }]
"""


@pytest.fixture(autouse=True)
def own_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare_datasets(monkeypatch, tmp_path, DATASETS)


def test_a_key_belongs_to_the_dataset_whose_pattern_it_matches() -> None:
    assert dataset_of("exports/SE/v2/a.parquet").name == "plants"
    assert dataset_of("in/2024/meters-2024-01-01.parquet").name == "meters"
    assert dataset_of("dataset=generation/a.parquet").name == "generation"


def test_the_folder_of_a_dataset_with_a_pattern_names_none() -> None:
    with pytest.raises(UnknownDatasetError) as error:
        dataset_of("dataset=plants/a.parquet")
    assert "<name> is generation, consumption, transmission or exports/{region}/v{version}/*.parquet (plants)" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("exports/SE/v1/meters-1.parquet", "'plants' (exports/{region}/v{version}/*.parquet) and 'meters' ("),
        ("dataset=generation/meters-1.parquet", "'generation' (dataset=generation/) and 'meters' (**/meters-{day}"),
    ],
)
def test_a_key_that_belongs_to_two_datasets_is_an_error_that_names_both(key: str, names: str) -> None:
    with pytest.raises(AmbiguousDatasetError) as error:
        dataset_of(key)
    assert names in str(error.value)
    assert find_dataset(key) is None


def test_revisions_and_slots_follow_the_groups() -> None:
    plants, meters = dataset_of("exports/SE/v2/a.parquet"), dataset_of("a/meters-2024-01-01.parquet")
    assert revision_of("exports/SE/v2/a.parquet", plants) == revision_of("exports/SE/v2/", plants) == "2"
    assert slot_of("exports/SE/v2/a.parquet", plants) == "exports/SE/"
    assert revision_of("a/meters-2024-01-01.parquet", meters) == "2024-01-01"
    assert slot_of("a/meters-2024-01-01.parquet", meters) == "a/"


def test_the_trigger_takes_also_keys_that_begin_like_a_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert source_prefixes("") == source_prefixes("lake/") == ("",)  # a pattern begins with **
    declare_datasets(monkeypatch, tmp_path, DATASETS.split("[meters]", maxsplit=1)[0])
    assert source_prefixes("lake/") == ("exports/", "lake/")
    assert source_prefixes("exp") == ("exp",)
    assert source_prefixes("") == ("",)
