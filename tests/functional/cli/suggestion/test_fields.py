"""Columns become fields if their numbers vary, and can become tags if their values come again."""

import doctest

import numpy as np
import pyarrow as pa

from cli.suggestion import fields
from cli.suggestion.fields import field_unit, long_fields, sort_columns, stored_units, unit_name

ROWS = 60
TIMES = np.repeat(np.arange(20), 3)


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(fields).failed == 0


def test_columns_are_sorted_by_type_name_and_values() -> None:
    table = pa.table(
        {
            "power": [float(row) for row in range(ROWS)],
            "text_number": [f"{row}.5" for row in range(ROWS)],
            "padded": [f"0{row % 3}" for row in range(ROWS)],
            "count": list(range(ROWS)),
            "plant_id": [row % 3 for row in range(ROWS)],
            "flag": [row % 2 for row in range(ROWS)],
            "constant": [7] * ROWS,
            "empty": pa.nulls(ROWS),
            "interval": [int(time) for time in TIMES],
            "uuid": [f"id-{row}" for row in range(ROWS)],
            "second_time": pa.array(range(ROWS), pa.timestamp("s")),
        }
    )
    columns = sort_columns(table, TIMES, set())
    assert columns.fields == ["power", "text_number", "count"]
    assert list(columns.labels) == ["padded", "plant_id", "flag"]
    assert columns.others == {
        "constant": "always 7",
        "empty": "always empty",
        "interval": "follows from the time",
        "uuid": "has another value in almost every row, so it would make a series of each",
        "second_time": "a second time, and a point has only one",
    }


def test_labels_without_null_come_first() -> None:
    table = pa.table({"operator": ["a", None, "b"] * 20, "plant": ["x", "y", "z"] * 20})
    assert list(sort_columns(table, TIMES, set()).labels) == ["plant", "operator"]


def test_the_fields_of_the_long_layout_have_the_units_that_they_are_stored_in() -> None:
    table = pa.table({"Value": [1.0, 2.0, 3.0, 4.0], "UNIT": ["kW", "MW", "%", None]})
    assert long_fields(table) == ({"value": "Value", "unit": "UNIT"}, ["%", "MW"])
    assert long_fields(pa.table({"value": [1.0], "unit": [1]})) is None
    assert long_fields(pa.table({"value": [1.0]})) is None


def test_a_name_or_a_unit_in_percent_is_stored_in_percent() -> None:
    assert [field_unit(name) for name in ("Load [%]", "availability_pct", "share_percent")] == ["%"] * 3
    assert [unit_name(unit) for unit in stored_units(["%", "kW"])] == ["percent", "mw"]
