"""The mapping of a file's columns to its dataset, and all errors in it at once."""

import pyarrow as pa
import pytest

from shared.datasets import Dataset, Field
from shared.errors import SchemaMismatchError
from shared.schema import Columns, plan_columns
from shared.schema_findings import MAX_COLUMNS
from tests.support.builders import generation, long_generation
from tests.support.conversion import GENERATION


def planned(table: pa.Table, dataset: Dataset = GENERATION, *, validate: bool = True) -> Columns:
    return plan_columns(table.schema, dataset, validate=validate)


def findings(table: pa.Table, dataset: Dataset = GENERATION) -> list[str]:
    with pytest.raises(SchemaMismatchError) as refusal:
        planned(table, dataset)
    return refusal.value.findings


def test_our_columns_are_found_and_the_others_named() -> None:
    columns = planned(generation(plant_name=["x"] * 3, note=["y"] * 3, nested=[[1]] * 3))
    assert (columns.layout, columns.fields, columns.ignored) == ("wide", ("power_mw",), ("nested", "note"))
    assert columns.tags == ("region", "energy_source", "measurement_type", "plant_name")


def test_the_long_layout_is_recognized_by_its_columns() -> None:
    columns = planned(long_generation([1.0], ["MW"]))
    assert (columns.layout, columns.fields) == ("long", GENERATION.field_names)


def test_values_without_their_units_are_no_layout() -> None:
    assert findings(generation(power_mw=None, value=[1.0] * 3))[0].startswith("no field: add one of power_mw")
    assert planned(generation(value=[1.0] * 3)).ignored == ("value",)


def test_all_findings_are_reported_at_once() -> None:
    table = generation(region=None, energy_source=[1.5] * 3, power_mw=[True] * 3, timestamp=[1, 2, 3])
    assert findings(table) == [
        "column 'region' is missing: add it, with text",
        "column 'timestamp' has type int64: write timestamps, or declare epoch = \"s\" if its values have 10 digits, "
        '"ms" if 13, "us" if 16, "ns" if 19',
        "column 'energy_source' has type double: write text",
        "column 'power_mw' has type bool: write numbers",
    ]


def test_a_file_needs_a_field() -> None:
    assert findings(generation(power_mw=None))[0].startswith("no field: add one of power_mw")


def test_without_validation_tags_may_be_absent_but_not_time_and_fields() -> None:
    assert planned(generation(region=None), validate=False).tags == ("energy_source", "measurement_type")
    for table in (generation(timestamp=None), generation(power_mw=None)):
        with pytest.raises(SchemaMismatchError):
            planned(table, validate=False)


def test_a_name_that_occurs_twice_is_ambiguous() -> None:
    table = generation().append_column("region", pa.array(["N"] * 3))
    assert findings(table) == ["column 'region': it occurs 2 times, aliases included: keep one"]


def test_names_that_are_not_ours_may_occur_twice() -> None:
    table = generation(note=["x"] * 3).append_column("note", pa.array(["y"] * 3))
    assert planned(table).ignored == ("note",)


def test_both_layouts_in_one_file_are_ambiguous() -> None:
    [finding] = findings(generation(value=[1.0] * 3, unit=["MW"] * 3))
    assert finding.startswith("columns 'value' and 'unit' as well as ['power_mw']")


def test_too_many_columns_are_refused() -> None:
    table = generation(1, **{f"c{number}": [1] for number in range(MAX_COLUMNS)})
    assert findings(table) == [f"{MAX_COLUMNS + 5} columns (limit 2000): write only the columns that are needed"]


def test_a_message_lists_twenty_findings_and_counts_the_rest() -> None:
    tags = tuple(f"tag{number}" for number in range(30))
    dataset = Dataset(name="d", measurement="m", required_tags=tags, fields=(Field(name="power_mw", unit="MW"),))
    with pytest.raises(SchemaMismatchError) as refusal:
        planned(generation(), dataset)
    assert len(refusal.value.findings) == 30
    assert str(refusal.value).count("is missing") == 20
    assert "and 10 more, which the report lists" in str(refusal.value)


def test_an_alias_finds_a_column_under_another_name() -> None:
    dataset = Dataset(
        name="d",
        measurement="m",
        required_tags=("place",),
        fields=(Field(name="power", unit="MW"),),
        aliases={"region": "place", "power_mw": "power"},
    )
    columns = planned(generation(), dataset)
    assert columns.source == {"timestamp": "timestamp", "place": "region", "power": "power_mw"}
    assert findings(generation(place=["x"] * 3), dataset)[0].startswith("column 'place': it occurs 2 times")


@pytest.mark.parametrize(
    "kind",
    [pa.int64(), pa.float16(), pa.decimal128(5, 1), pa.string(), pa.dictionary(pa.int8(), pa.string()), pa.null()],
    ids=str,
)
def test_fields_may_be_of_every_type_that_shows_numbers(kind: pa.DataType) -> None:
    assert planned(generation(power_mw=pa.nulls(3, kind))).fields == ("power_mw",)


@pytest.mark.parametrize("kind", [pa.bool_(), pa.timestamp("s"), pa.list_(pa.float64()), pa.date32()], ids=str)
def test_fields_of_other_types_are_refused(kind: pa.DataType) -> None:
    assert findings(generation(power_mw=pa.nulls(3, kind))) == [f"column 'power_mw' has type {kind}: write numbers"]


def test_a_message_with_long_names_is_short_and_the_findings_have_all_of_them() -> None:
    table = generation(1).rename_columns(["Timestamp", "region", "energy_source", "measurement_type", "power_mw"])
    for number in range(60):
        table = table.append_column(f"{number}{'x' * 3000}", pa.array([1.0]))
    with pytest.raises(SchemaMismatchError) as raised:
        planned(table)
    assert len(str(raised.value)) < 8000
    assert max(map(len, raised.value.columns)) > 3000
