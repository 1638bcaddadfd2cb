"""Datasets are declarations: the key selects one, and a contradictory one is rejected at import."""

from typing import Any

import pytest

from shared.dataset_keys import dataset_of
from shared.datasets import DATASETS, Dataset, Field
from shared.errors import UnknownDatasetError


def declared(**changes: Any) -> Dataset:
    declaration: dict[str, Any] = {
        "name": "wells",
        "measurement": "well_data",
        "required_tags": ("site",),
        "fields": (Field(name="depth_m", unit="m"),),
    }
    return Dataset(**(declaration | changes))


@pytest.mark.parametrize(
    "key", ["dataset=generation/x.parquet", "in/dataset=generation/year=2024/at=2024-01-02 03:04/x.parquet"]
)
def test_the_key_names_the_dataset(key: str) -> None:
    assert dataset_of(key) is DATASETS["generation"]


@pytest.mark.parametrize(
    "key",
    ["generation/x.parquet", "dataset=weather/x.parquet", "dataset=/x", "mydataset=generation/x", "dataset=generation"],
)
def test_another_key_names_none(key: str) -> None:
    with pytest.raises(UnknownDatasetError, match="generation, consumption, transmission"):
        dataset_of(key)


def test_a_declaration_needs_no_more_than_this() -> None:
    assert declared().tags == ("site",)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"optional_tags": ("depth_m",)}, "'depth_m' is declared 2 times"),
        ({"optional_tags": ("timestamp",)}, "'timestamp' is declared 2 times"),
        ({"required_tags": ("site", "site")}, "'site' is declared 2 times"),
        ({"required_tags": ("time",)}, "'time' is not a valid name"),
        ({"required_tags": ("_site",)}, "'_site' is not a valid name"),
        ({"required_tags": ("a b",)}, "'a b' is not a valid name"),
        ({"measurement": ""}, "'' is not a valid name"),
        ({"fields": (Field(name="time", unit="h"),)}, "'time' is not a valid name"),
        ({"fields": ()}, "no fields are declared"),
        ({"fields": tuple(Field(name=f"f{n}", unit="m") for n in range(65))}, "65 fields are declared, more than 64"),
        (
            {"fields": (Field(name="power", unit="MWmed"),)},
            "field 'power' is in 'MWmed', which is converted: use 'MW'",
        ),
        ({"fields": (Field(name="power", unit="kW"),)}, "field 'power' is in 'kW', which is converted: use 'MW'"),
        ({"zone": "Mars/Olympus"}, "'Mars/Olympus' is not a time zone"),
        ({"aliases": {"ort": "place"}}, "alias 'ort' for 'place'"),
        ({"aliases": {"site": "depth_m"}}, "alias 'site' for 'depth_m'"),
        ({"revisions": "replace"}, "revisions is 'replace', but no folder is declared"),
        ({"revision": "at", "revisions": "newest"}, "revisions is 'newest': use 'overlay' or 'replace'"),
        ({"key_pattern": "raw/{site/a"}, "write a named group as {name}"),
        ({"key_pattern": "raw/{site}/a"}, "the group 'site' is not in path_tags, nor the revision"),
        ({"key_pattern": "{v}.parquet", "revision": "v", "revisions": "replace"}, "must be in the name of a folder"),
        ({"key_pattern": "**/{v}/a", "revision": "v", "revisions": "replace"}, "must be in the name of a folder"),
        (
            {"key_pattern": "raw/{site}-v{v}/a", "path_tags": ("site",), "revision": "v", "revisions": "replace"},
            "the folder '{site}-v{v}' of the revision has another group or *",
        ),
        ({"key_pattern": "raw/v{v}-*/a", "revision": "v", "revisions": "replace"}, "has another group or *"),
        ({"path_tags": ("place",)}, "'place' is not a tag: add it to required_tags or optional_tags"),
        ({"path_tags": ("depth_m",)}, "'depth_m' is not a tag"),
        ({"path_tags": ("site", "site")}, "'site' is declared 2 times: keep one"),
        ({"path_tags": ("site",), "aliases": {"ort": "site"}}, "alias 'ort' is for 'site', which the key has"),
    ],
)
def test_a_contradiction_is_refused_with_its_name(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match="dataset 'wells'") as refusal:
        declared(**changes)
    assert complaint in str(refusal.value)


def test_every_contradiction_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"no fields.*not a time zone"):
        declared(fields=(), zone="x")
