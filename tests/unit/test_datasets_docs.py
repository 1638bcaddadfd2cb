"""docs/datasets.md agrees with the code."""

import dataclasses
import json
import re
from pathlib import Path
from typing import get_args

import pyarrow as pa

from cli.dataset_check import find_mistakes, json_schema
from functions.convert_and_chunk.verdicts import Rule
from shared.datasets import DATASETS, Dataset, read_datasets
from tests.support.conversion import convert_table

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "datasets.example.toml"
DOCS = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")


def rows_under(heading: str) -> list[list[str]]:
    """Return the cells of each row of the first table under a heading, without the table's own heading."""
    section = DOCS.split(heading, 1)[1]
    table = section[section.index("\n|") :].split("\n\n", 1)[0].strip().splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table[2:]]


def example() -> Dataset:
    """Return the dataset that the example file declares."""
    return read_datasets(EXAMPLE)["plants"]


def test_the_example_is_in_the_guide_and_has_no_mistakes() -> None:
    [declaration] = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    assert EXAMPLE.read_text(encoding="utf-8").endswith(f"\n{declaration}")
    assert find_mistakes(EXAMPLE) == []


def test_the_schema_for_editors_is_that_of_the_code() -> None:
    """To write it anew, run `loader datasets schema > docs/datasets.schema.json`."""
    assert json.loads((ROOT / "docs/datasets.schema.json").read_text()) == json_schema()


def test_the_table_of_keys_has_every_key_of_a_declaration() -> None:
    keys = {key.strip("` ") for row in rows_under("## Add a dataset") for key in row[0].split(",")}
    assert keys == {field.name for field in dataclasses.fields(Dataset)} - {"name", "measurement"}


def test_the_table_of_datasets_is_the_declarations() -> None:
    assert rows_under("# Datasets") == [
        [
            f"`{dataset.name}`",
            f"`{dataset.measurement}`",
            ", ".join(dataset.required_tags),
            ", ".join(dataset.optional_tags),
            ", ".join(f"{field.name} ({field.unit})" for field in dataset.fields),
        ]
        for dataset in DATASETS.values()
    ]


def test_the_table_of_rules_is_the_rules() -> None:
    assert [row[0] for row in rows_under("## Rules that set rows aside")] == [f"`{rule}`" for rule in get_args(Rule)]


def test_raw_columns_of_ons_need_only_the_declaration_of_the_example() -> None:
    table = pa.table(
        {
            "din_instante": ["2018-11-03 23:00:00", "2018-11-04 00:00:00", "2018-11-04 01:00:00"],
            "id_subsistema": ["N  ", "N  ", "NE "],
            "nom_tipousina": ["HIDROELÉTRICA"] * 3,
            "nom_usina": ["Tucuruí", "Tucuruí", "-"],
            "val_geracao": ["2736.97290039", "0E-8", "12"],
            "nom_estado": ["PARÁ"] * 3,
        }
    )
    result = convert_table(table, example())
    assert result.set_aside == {1: "nonexistent_time"}
    assert result.lines == [
        "plant_generation,energy_source=HIDROELÉTRICA,plant_name=Tucuruí,region=N "
        "power_mw=2736.97290039 1541296800000000000",
        "plant_generation,energy_source=HIDROELÉTRICA,region=NE power_mw=12.0 1541300400000000000",
    ]
    assert result.records.columns.ignored == ("nom_estado",)
