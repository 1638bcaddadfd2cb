"""Columns that nearly have a declared name are found, whatever the spelling, and the advice of each finding works."""

import re
import tomllib
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets import DATASETS, Dataset
from shared.errors import SchemaMismatchError
from shared.plausible_times import time_limits
from shared.schema import NO_CLUES, plan_columns
from shared.schema_findings import Clues
from tests.support.builders import generation
from tests.support.conversion import GENERATION

SPELLINGS: list[Callable[[str], str]] = [
    str.upper,
    str.title,
    lambda name: f" {name}",
    lambda name: f"{name}\t",
    lambda name: name.replace("_", "-"),
    lambda name: name.replace("_", " "),
    lambda name: name.replace("_", ""),
    lambda name: unicodedata.normalize("NFD", name.replace("e", "é").replace("a", "ã")),
    lambda name: name.replace("o", "ó").replace("i", "í"),
]
FULL = generation(
    capacity_factor=[0.5] * 3,
    efficiency=[0.5] * 3,
    quality_flag=["good"] * 3,
    plant_name=["Itaipu"] * 3,
    operator=["ONS"] * 3,
)
LIMITS = time_limits(GENERATION, last_modified=1_704_067_200)


def findings(table: pa.Table, *, validate: bool = True, clues: Clues = NO_CLUES) -> str:
    with pytest.raises(SchemaMismatchError) as error:
        plan_columns(table.schema, GENERATION, validate=validate, clues=clues)
    return "; ".join(error.value.findings)


def with_column(name: str, values: list[Any], table: pa.Table | None = None) -> pa.Table:
    """Return a table with one more column, whose name Python need not accept."""
    return (table or generation()).append_column(name, [values])


def follow_advice(text: str, dataset: Dataset) -> Dataset:
    """Return the dataset with the aliases and the epoch that findings advise."""
    aliases: dict[str, str] = {}
    for line in re.findall(r"aliases = \{.*? \}", text):
        aliases |= tomllib.loads(line)["aliases"]
    epoch = re.search(r'epoch = "(\w+)"', text)
    return replace(dataset, aliases={**dataset.aliases, **aliases}, epoch=epoch[1] if epoch else None)  # type: ignore[arg-type]


@given(
    column=st.sampled_from(FULL.column_names),
    spellings=st.lists(st.sampled_from(SPELLINGS), max_size=3),
    mark=st.sampled_from(["", "\ufeff", "\xef\xbb\xbf"]),
)
def test_a_misspelled_column_is_named_and_the_alias_line_accepts_it(
    column: str, spellings: list[Callable[[str], str]], mark: str
) -> None:
    misspelled = column
    for spell in spellings:
        misspelled = spell(misspelled)
    misspelled = f"{mark}{misspelled}"
    table = FULL.rename_columns([misspelled if name == column else name for name in FULL.column_names])
    if misspelled == column:
        assert column in plan_columns(table.schema, GENERATION, validate=True).source
        return
    text = findings(table)
    assert text.startswith(f"column {column!r} is missing, but {misspelled!r} (")
    columns = plan_columns(table.schema, follow_advice(text, GENERATION), validate=True)
    assert columns.source[column] == misspelled


@given(name=st.text(max_size=20))
def test_no_name_of_an_additional_column_is_an_error(name: str) -> None:
    """A file that has all declared columns may have any others."""
    if name not in FULL.column_names:
        assert plan_columns(FULL.append_column(name, [[1] * 3]).schema, GENERATION, validate=True).ignored == (name,)


def test_a_misspelled_field_beside_another_field_is_not_ignored() -> None:
    table = generation(power_mw=None, Power_MW=[1.0] * 3, efficiency=[0.5] * 3)
    assert findings(table) == (
        "column 'power_mw' is missing, but 'Power_MW' (double) differs from it only in case: rename it, or declare "
        'aliases = { "Power_MW" = "power_mw" } in dataset \'generation\'; if it means something else, '
        'declare ignored_columns = ["Power_MW"]'
    )


def test_a_byte_order_mark_is_visible_in_the_finding() -> None:
    table = generation().rename_columns(["\ufefftimestamp", *generation().column_names[1:]])
    text = findings(table)
    assert r"'\ufefftimestamp' (timestamp[us, tz=UTC]) differs from it only in a byte order mark" in text
    assert follow_advice(text, GENERATION).aliases == {"\ufefftimestamp": "timestamp"}


@pytest.mark.parametrize("column", ["power", "power_kw", "Power (GW)", "powerMWmed", "POWER_MW_MW"])
def test_a_field_may_differ_in_its_unit(column: str) -> None:
    text = findings(with_column(column, [1.0] * 3, generation(power_mw=None, efficiency=[0.5] * 3)))
    assert f"{column!r} (double) differs from it only in the unit" in text
    assert (", if its values are in MW, declare" in text) == (column in ("power_kw", "Power (GW)", "powerMWmed"))


@pytest.mark.parametrize("column", ["capacity_mw", "power_max", "power_mw_max", "region_code", "efficient", "op", ""])
def test_other_names_are_ignored_as_before(column: str) -> None:
    table = with_column(column, ["x"] * 3)
    assert plan_columns(table.schema, GENERATION, validate=True).ignored == (column,)


def test_a_column_that_means_something_else_can_be_ignored() -> None:
    table = with_column("Quality Flag", ["x"] * 3)
    assert "'Quality Flag' (string) differs from it only in case and separators" in findings(table)
    dataset = replace(GENERATION, ignored_columns=("Quality Flag",))
    assert plan_columns(table.schema, dataset, validate=True).ignored == ("Quality Flag",)


def test_misspelled_columns_of_the_long_layout_are_found() -> None:
    text = findings(generation(power_mw=None, Value=[1.0] * 3, UNIT=["MW"] * 3))
    assert "column 'value' is missing, but 'Value' (double)" in text
    assert "column 'unit' is missing, but 'UNIT' (string)" in text
    assert plan_columns(generation(Value=[1.0] * 3).schema, GENERATION, validate=True).ignored == ("Value",)


@pytest.mark.parametrize("column", ["din_instante", "DateTime", "ts", "observation_time", "anything"])
def test_a_time_column_under_another_name_is_found(column: str) -> None:
    table = generation().rename_columns([column, *generation().column_names[1:]])
    text = findings(table.append_column("processing_metadata_processed_at", table[column]))
    assert f"{column!r} (timestamp[us, tz=UTC]) looks like a time column" in text
    assert "processing_metadata" not in text
    assert plan_columns(table.schema, follow_advice(text, GENERATION), validate=True).source["timestamp"] == column


def test_text_and_integers_look_like_times_by_their_names_only() -> None:
    table = generation(timestamp=None, hora=["2024-01-01"] * 3, note=["2024-01-01"] * 3, ts=[1] * 3, count=[1] * 3)
    text = findings(table)
    assert "'hora' (string) looks like" in text
    assert "'ts' (int64) looks like" in text
    assert "note" not in text
    assert "count" not in text


def test_without_validation_only_what_is_always_required_is_compared() -> None:
    table = generation(quality_flag=None, region=None, Region=["N"] * 3, Efficiency=[0.5] * 3)
    assert plan_columns(table.schema, GENERATION, validate=False).ignored == ("Efficiency", "Region")
    assert "'Power_MW'" in findings(generation(power_mw=None, Power_MW=[1.0] * 3), validate=False)


@pytest.mark.parametrize("folder", ["region=N", "Region=N"])
def test_a_column_that_only_the_key_has_is_named(folder: str) -> None:
    text = findings(generation(region=None), clues=Clues(key=f"dataset=generation/{folder}/a.parquet"))
    assert text.startswith(f"column 'region' is missing: only the key has it, as the folder {folder!r}")
    assert """or declare path_tags = ["region"] in dataset 'generation'""" in text
    assert "only the key" not in findings(generation(region=None), clues=Clues(key="dataset=generation/a.parquet"))


@given(
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
    seconds=st.integers(min_value=631_152_000, max_value=1_704_067_200 + 3_600 * 24 * 3_600),
)
def test_integers_without_an_epoch_say_which_is_plausible(unit: str, seconds: int) -> None:
    value = seconds * 10 ** {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]
    clues = Clues(limits=LIMITS, integer_range=lambda _: (value, value))
    table = generation(timestamp=pa.array([value] * 3, pa.int64()))
    text = findings(table, clues=clues)
    assert f'has type int64: write timestamps, or declare epoch = "{unit}" (then its times are ' in text
    assert follow_advice(text, GENERATION).epoch == unit


def test_integers_that_are_no_times_say_so() -> None:
    clues = Clues(limits=LIMITS, integer_range=lambda _: (20_240_101, 20_240_131))
    text = findings(generation(timestamp=[20_240_101] * 3), clues=clues)
    assert "20240101 to 20240131 are no times between 1990-01-01 00:00 and 2034-01-01 00:00" in text


def test_an_integer_time_column_under_another_name_needs_an_alias_and_an_epoch() -> None:
    clues = Clues(limits=LIMITS, integer_range=lambda _: (1_704_067_200_000,) * 2)
    table = generation(timestamp=None, TIMESTAMP=[1_704_067_200_000] * 3)
    dataset = follow_advice(findings(table, clues=clues), GENERATION)
    assert (dataset.aliases, dataset.epoch) == ({"TIMESTAMP": "timestamp"}, "ms")
    assert plan_columns(table.schema, dataset, validate=True).source["timestamp"] == "TIMESTAMP"


def test_an_error_lists_the_columns_that_are_there_shortened() -> None:
    wide = pa.struct([(f"field_{number}", pa.float64()) for number in range(20)])
    table = generation(region=None, nested=pa.nulls(3, wide))
    for number in range(40):
        table = with_column(f"c{number}", [1] * 3, table)
    with pytest.raises(SchemaMismatchError) as error:
        plan_columns(table.schema, GENERATION, validate=True)
    message = str(error.value)
    assert "The file has the columns 'timestamp' timestamp[us, tz=UTC], 'energy_source' string, " in message
    assert "'nested' struct<field_0: double, field_1: double…" in message
    assert message.endswith("'c24' int64; and 15 more, which the report lists")
    assert len(error.value.columns) == 45


def test_no_declared_name_is_a_near_miss_of_another() -> None:
    """Otherwise a file that lacks one of them could not be loaded."""
    for dataset in DATASETS.values():
        names = [dataset.timestamp, *dataset.tags, *dataset.field_names]
        table = pa.table({name: pa.nulls(1) for name in names})
        for name in (*dataset.optional_tags, *dataset.field_names):
            plan_columns(table.drop_columns([name]).schema, dataset, validate=True)


def test_limits_of_a_dataset_decide_what_is_plausible() -> None:
    limits = time_limits(replace(GENERATION, earliest=date(1900, 1, 1), latest=date(1980, 1, 1)), 0)
    clues = Clues(limits=limits, integer_range=lambda _: (0, 86_400))
    assert 'epoch = "s" (then its times are 1970-01-01 00:00 to 1970-01-02 00:00)' in findings(
        generation(timestamp=[0] * 3), clues=clues
    )
