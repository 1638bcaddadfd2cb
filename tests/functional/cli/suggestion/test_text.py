"""The text of a suggestion is valid TOML, whatever the columns and values of a file are called."""

import tomllib
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.dataset_check import find_mistakes
from cli.suggestion.suggestion import suggest
from cli.suggestion.text import toml_text
from tests.support.builders import generation, parquet
from tests.support.utility_tables import entsoe

NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)


def text_for(folder: Path, table: pa.Table) -> str:
    (folder / "a.parquet").write_bytes(parquet(table))
    return toml_text(suggest([folder / "a.parquet"], "grid", ""))


def test_names_become_snake_case_by_aliases(tmp_path: Path) -> None:
    declaration = tomllib.loads(text_for(tmp_path, entsoe()))["grid"]
    assert declaration["required_tags"] == ["area_code", "production_type"]
    assert declaration["aliases"] == {
        "AreaCode": "area_code",
        "ProductionType": "production_type",
        "ActualGenerationOutput[MW]": "actual_generation_output_mw",
        "ActualConsumption[MW]": "actual_consumption_mw",
    }


def test_the_comments_give_the_reasons(tmp_path: Path) -> None:
    text = text_for(tmp_path, entsoe())
    assert "# Suggested from 288 of 288 rows." in text
    assert "# These rows make 6 series, and their times touch 1 shard of seven days." in text
    assert "The others are UpdateTime(UTC)." in text
    assert "each series has one value: MapCode." in text
    assert "#   ResolutionCode: always PT60M" in text


@given(st.lists(NAME, min_size=3, max_size=3, unique=True), NAME)
@settings(max_examples=20)
def test_any_names_and_values_give_a_valid_declaration(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], value: str
) -> None:
    folder = tmp_path_factory.mktemp("suggestion")
    tag, first, second = names
    table = generation(4).select(["timestamp"])
    table = table.append_column(tag, pa.array([value, "b"] * 2))
    table = table.append_column(first, pa.array([1.5, 2.5, 3.5, 4.5])).append_column(second, pa.array([1.5, 2, 3, 4]))
    table = pa.concat_tables([table, table.set_column(1, tag, pa.array(["c", "d"] * 2))])
    (folder / "datasets.toml").write_text(text_for(folder, table))
    assert find_mistakes(folder / "datasets.toml") == []
