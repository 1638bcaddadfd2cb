"""Tags whose values are in the key of a file, as Hive and Spark partition their tables."""

from dataclasses import replace
from urllib.parse import quote

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.columns.tags import render_tag
from shared.errors import SchemaMismatchError
from shared.file_keys import NO_VALUE, folder_values
from shared.schema import Columns, plan_columns
from shared.schema_findings import Clues
from tests.support.builders import generation
from tests.support.conversion import GENERATION, Conversion, convert_table

DATASET = replace(GENERATION, path_tags=("region", "operator"))
WITHOUT_REGION = generation(region=None)


def convert(folders: str, table: pa.Table = WITHOUT_REGION) -> Conversion:
    return convert_table(table, DATASET, key=f"dataset=generation/{folders}/a.parquet")


def plan(folders: str, table: pa.Table = WITHOUT_REGION, *, validate: bool = True) -> Columns:
    clues = Clues(key=f"dataset=generation/{folders}/a.parquet")
    return plan_columns(table.schema, DATASET, validate=validate, clues=clues)


def findings(folders: str, table: pa.Table = WITHOUT_REGION, *, validate: bool = True) -> list[str]:
    with pytest.raises(SchemaMismatchError) as mismatch:
        plan(folders, table, validate=validate)
    return mismatch.value.findings


def test_every_row_has_the_tags_of_the_key() -> None:
    lines = convert("region=S%C3%A3o%20Paulo/operator=A=B").lines
    assert len(lines) == 3
    prefix = r"generation_data,energy_source=hydro,measurement_type=verified,operator=A\=B,region=São\ Paulo "
    assert all(line.startswith(prefix) for line in lines)


def test_an_optional_tag_may_be_absent_from_the_key() -> None:
    assert plan("region=N").tags == ("region", "energy_source", "measurement_type")
    for folders in ("region=N", f"region=N/operator={NO_VALUE}", "region=N/operator="):
        result = convert(folders)
        assert (len(result.lines), result.set_aside) == (3, {})
        assert "operator" not in result.lines[0]


@pytest.mark.parametrize("value", [NO_VALUE, "", "-", "%20"])
def test_rows_are_set_aside_if_the_key_has_no_value_for_a_required_tag(value: str) -> None:
    result = convert(f"region={value}")
    assert (result.lines, result.set_aside) == ([], dict.fromkeys(range(3), "missing_tag"))


def test_a_value_that_line_protocol_cannot_carry_sets_the_rows_aside() -> None:
    assert set(convert("region=N%0A").set_aside.values()) == set()  # trimmed
    assert set(convert("region=N%0AS").set_aside.values()) == {"unusable_tag"}


def test_a_required_tag_that_the_key_lacks_is_a_finding() -> None:
    remedy = "move the file into such a folder, or remove 'region' from path_tags of dataset 'generation'"
    assert findings("year=2024") == [f"tag 'region' is missing: the key has no folder 'region=VALUE': {remedy}"]
    assert findings("Region=N") == [
        f"tag 'region' is missing: the key has no folder 'region=VALUE', only 'Region=N': {remedy}"
    ]
    assert plan("year=2024", validate=False).tags == ("energy_source", "measurement_type")


@pytest.mark.parametrize("validate", [True, False])
def test_several_values_and_a_column_in_addition_are_findings(*, validate: bool) -> None:
    several = "tag 'region' has several values in the key, 'N', 'S': keep one folder"
    assert findings("region=N/region=S", validate=validate) == [several]
    assert plan("region=N/region=N", validate=validate).path_tags == {"region": "N"}
    [finding] = findings("region=N", generation(), validate=validate)
    assert finding.startswith("column 'region' is a tag that the key has: remove the column, or remove 'region' from")


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_value_becomes_the_tag_that_a_column_with_it_becomes(value: str) -> None:
    for escaped in (quote(value, safe=""), quote(value, safe=" =:+,")):
        key = f"dataset=generation/region={escaped}/a.parquet"
        assert folder_values(key, "region") == [value]
    tag, problem = render_tag("region", value, required=True)
    result = convert(f"region={quote(value, safe='')}")
    assert list(result.set_aside.values()) == ([problem.rule] * 3 if problem else [])
    assert all(tag in line for line in result.lines)


def test_escapes_that_are_not_utf_8_stay() -> None:
    assert folder_values("region=%FF/share=50%/a", "region") == ["%FF"]
    assert folder_values("region=%FF/share=50%/a", "share") == ["50%"]
