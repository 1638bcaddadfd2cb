"""The long layout: which field a value belongs to, and in which unit."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from functions.convert_and_chunk.columns.long_layout import field_of
from shared.datasets import DATASETS, Field
from shared.units import Scale
from tests.support.builders import generation, long_generation
from tests.support.conversion import convert_table


def destination(dataset: str, measurement_type: str, unit: str) -> tuple[str, float] | None:
    """Return the field, and 1000 of the unit converted to the field's unit."""
    fields = DATASETS[dataset].fields
    if (destination_field := field_of(measurement_type, unit, fields)) is None:
        return None
    number, scale = destination_field
    return fields[number].name, 1000 * scale.multiplier / scale.divisor


@pytest.mark.parametrize(
    ("dataset", "measurement_type", "unit", "field", "thousand"),
    [
        ("generation", "verified", "MW", "power_mw", 1000),
        ("generation", "verified", "MWmed", "power_mw", 1000),
        ("generation", "verified", "kW", "power_mw", 1),
        ("generation", "verified", "GW", "power_mw", 1_000_000),
        ("generation", "power_mw", "kW", "power_mw", 1),
        ("generation", "power_mw", "", "power_mw", 1000),
        ("generation", "capacity_factor", "ratio", "capacity_factor", 1000),
        ("generation", "efficiency", "%", "efficiency", 10),
        ("consumption", "verified", "MWh", "consumption_mwh", 1000),
        ("consumption", "verified", "kWh", "consumption_mwh", 1),
        ("consumption", "verified", "GWh", "consumption_mwh", 1_000_000),
        ("consumption", "verified", "MWmed", "demand_mw", 1000),
        ("consumption", "load_factor", "%", "load_factor", 10),
        ("transmission", "flow_mw", "MW", "flow_mw", 1000),
        ("transmission", "losses", "MWh", "losses_mwh", 1000),
        ("transmission", "voltage", "kV", "voltage_kv", 1000),
    ],
)
def test_the_measurement_type_or_the_unit_names_the_field(
    dataset: str, measurement_type: str, unit: str, field: str, thousand: float
) -> None:
    assert destination(dataset, measurement_type, unit) == (field, thousand)


@pytest.mark.parametrize(
    ("measurement_type", "unit"),
    [
        ("verified", "MWh"),
        ("verified", ""),
        ("verified", "furlong"),
        ("verified", "%"),
        ("power_mw", "ratio"),
        ("power_mw", "x"),
    ],
)
def test_an_unknown_measurement_type_or_unit_names_no_field(measurement_type: str, unit: str) -> None:
    assert destination("generation", measurement_type, unit) is None


def test_each_row_becomes_a_line_of_one_field() -> None:
    table = long_generation([1.5, 50.0, 2500.0], ["MW", "%", " kW "], ["verified", "efficiency", "verified"])
    assert [line.split(" ")[1] for line in convert_table(table).lines] == [
        "power_mw=1.5",
        "efficiency=0.5",
        "power_mw=2.5",
    ]


def test_a_row_with_an_unknown_unit_is_set_aside() -> None:
    assert convert_table(long_generation([1.0, 2.0, 3.0], ["MW", "furlong", None])).set_aside == {
        1: "unknown_unit",
        2: "unknown_unit",
    }


def test_values_may_be_text_and_have_the_same_rules() -> None:
    table = long_generation(["1,5", "NaN", "0E-8", ""], ["MW"] * 4)
    result = convert_table(table)
    assert result.set_aside == {0: "not_a_number", 1: "no_field", 3: "no_field"}
    assert result.records.left_out["power_mw"] == 1
    assert len(result.lines) == 1


def test_both_layouts_give_the_same_points() -> None:
    wide = convert_table(generation(4)).lines
    long = convert_table(long_generation([0.0, 1.0, 2.0, 3.0], ["MW"] * 4)).lines
    assert wide == long


def test_a_value_that_overflows_in_scaling_is_left_out_and_counted() -> None:
    result = convert_table(long_generation([1e306, 1e305, -1e306], ["GW"] * 3))
    assert (result.set_aside, result.records.left_out["power_mw"]) == ({0: "no_field", 2: "no_field"}, 2)
    assert [line.split(" ")[1] for line in result.lines] == ["power_mw=1e+308"]


SHARES = replace(
    DATASETS["generation"],
    fields=(
        Field(name="capacity_factor", unit="ratio"),
        Field(name="load_percent", unit="%"),
        Field(name="power_mw", unit="MW"),
    ),
)
"""A dataset with a share in each of the two units."""


def percent_of(ratio: float) -> float:
    """Move the point of the shortest decimal, unless Arrow writes it with an exponent."""
    return float(Decimal(repr(ratio)).scaleb(2)) if 1e-6 <= abs(ratio) < 1e10 else ratio * 100


@given(st.integers(-(10**15), 10**15), st.integers(6, 15))
@example(29, 2)
def test_a_share_is_the_same_number_in_both_units(digits: int, places: int) -> None:
    """0.29 and 29 % are one value, although 0.29 * 100 is less than 29 in binary."""
    ratio, percent = float(f"{digits}e{-places}"), float(f"{digits}e{2 - places}")
    assume("e" not in repr(ratio))  # Arrow writes an exponent from 1e10 on, and the strategy ends at 1e9
    table = long_generation([ratio, percent], ["ratio", "%"], ["load_percent"] * 2)
    values = [float(line.split(" ")[1].split("=")[1]) for line in convert_table(table, SHARES).lines]
    assert values == [percent, percent]


@given(st.lists(st.floats(-1e300, 1e300) | st.floats(-2, 2), min_size=1, max_size=50), st.sampled_from(["ratio", "%"]))
@example([1.5e-06, 123456789012.5], "ratio")
@settings(max_examples=20)
def test_shares_are_converted_once_or_kept(values: list[float], unit: str) -> None:
    """A value that names its field is converted to its unit; else it belongs to the field with its own unit."""
    for name, scaled in {
        "capacity_factor": [value / 100 if unit == "%" else value for value in values],
        "load_percent": [percent_of(value) if unit == "ratio" else value for value in values],
        "verified": values,
    }.items():
        table = long_generation(values, [unit] * len(values), [name] * len(values))
        field = name if name != "verified" else {"ratio": "capacity_factor", "%": "load_percent"}[unit]
        points = [line.split(" ")[1].split("=") for line in convert_table(table, SHARES).lines]
        assert [(each, float(value)) for each, value in points] == [(field, value) for value in scaled]


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50))
@settings(max_examples=10)
def test_the_wide_layout_scales_nothing(values: list[float]) -> None:
    table = generation(len(values), load_percent=values, capacity_factor=values).drop_columns("power_mw")
    for line in convert_table(table, SHARES).lines:
        fields = dict(item.split("=") for item in line.split(" ")[1].split(","))
        assert float(fields["capacity_factor"]) == float(fields["load_percent"]) == values.pop(0)


def test_a_ratio_belongs_to_the_only_field_in_percent() -> None:
    fields = SHARES.fields[1:]
    assert field_of("verified", "ratio", fields) == (0, Scale("%", multiplier=100.0))
    assert field_of("verified", "ratio", (*fields, Field(name="efficiency", unit="%"))) is None
    assert field_of("power_mw", "%", fields) is None


def test_a_dash_is_no_unit() -> None:
    assert len(convert_table(long_generation([1.0, 2.0], ["-", None], ["power_mw"] * 2)).lines) == 2
    assert convert_table(long_generation([1.0], ["-"])).set_aside == {0: "unknown_unit"}


def test_the_unit_decides_where_there_is_no_measurement_type() -> None:
    table = long_generation([1.0, 2.0], ["MW", "MW"])
    for types in (None, pa.nulls(2), [None, "-"]):
        assert (
            len(
                convert_table(
                    table.drop_columns("measurement_type") if types is None else retyped(table, types), validate=False
                ).lines
            )
            == 2
        )


def retyped(table: pa.Table, types: Any) -> pa.Table:
    return table.set_column(table.schema.names.index("measurement_type"), "measurement_type", pa.array(types))


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50))
def test_scaling_rounds_once(values: list[float]) -> None:
    """The value is divided by 1000: a product with 0.001 would round twice."""
    lines = convert_table(long_generation(values, ["kW"] * len(values))).lines
    assert [float(line.split("=")[-1].split(" ")[0]) for line in lines] == [value / 1000 for value in values]
