"""The columns of numbers and labels: which become fields, and which can become tags.

`sort_columns` decides by type, name, and values. `long_fields` finds the fields of files that have one value in each
row, with its unit next to it.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from cli.suggestion.tag_choice import Codes, count_distinct
from shared.column_types import is_text
from shared.near_misses import unit_of
from shared.units import LONG_COLUMNS, UNITS

UNIT_NAMES = {
    "mw": "MW",
    "mwh": "MWh",
    "kv": "kV",
    "ratio": "ratio",
    "pu": "pu",
    "%": "%",
    "pct": "%",
    "percent": "%",
}
"""The units that names of columns end with, as declarations write them."""

UNKNOWN_UNIT = "unknown"

_FEW_NUMBERS = 20
"""An integer column with at most so many values can be a label, such as the number of a unit."""

_LABEL_WORD = re.compile(r"(^|_)(id|cod|code|codigo|num|numero|nr|no|key|run|runno|type|year|month|ano|mes)(_|$)")
_FRACTION, _NUMBER, _PADDED = r"[.eE]", r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$", r"^[+-]?0\d"


class Columns(NamedTuple):
    """The columns of a file by what they can become.

    Attributes:
        fields: the columns whose numbers vary.
        labels: the codes of the columns that can become tags; those without null come first.
        others: the remaining columns, with the reason.
    """

    fields: list[str]
    labels: dict[str, Codes]
    others: dict[str, str]


def snake_case(name: str) -> str:
    """Return the name in snake case.

    >>> snake_case("ActualGenerationOutput[MW]"), snake_case("SETTLEMENTDATE"), snake_case("val_geração")
    ('actual_generation_output_mw', 'settlementdate', 'val_geracao')
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_") or "column"


def unit_name(unit: str) -> str:
    """Return a unit as a part of a field's name.

    >>> unit_name("MWh"), unit_name("%")
    ('mwh', 'percent')
    """
    return snake_case(unit.replace("%", "percent"))


def field_unit(name: str) -> str:
    """Return the unit that the name of a column ends with, or "unknown".

    >>> field_unit("power_mw"), field_unit("power_kw"), field_unit("price")
    ('MW', 'unknown', 'unknown')
    """
    return UNIT_NAMES.get(unit_of(name), UNKNOWN_UNIT)


def sort_columns(table: pa.Table, times: Codes, skipped: set[str]) -> Columns:
    """Return what the columns of a table can become.

    Args:
        table: the rows that have a time.
        times: the codes of their times.
        skipped: the columns that have a role already.
    """
    columns, distinct_times = Columns([], {}, {}), count_distinct(times)
    for name in table.column_names:
        if name not in skipped:
            _sort_column(name, table[name], times, distinct_times, columns)
    with_null = {name for name in columns.labels if table[name].null_count}
    for name in sorted(with_null, key=table.column_names.index):
        columns.labels[name] = columns.labels.pop(name)
    return columns


def long_fields(table: pa.Table) -> tuple[dict[str, str], list[str]] | None:
    """Return the fields of the long layout, or None if the table does not have it.

    Returns:
        The columns `value` and `unit` of the layout, mapped to the file's names, and the units of the fields.
    """
    columns = {name.casefold(): name for name in table.column_names}
    value, unit = (columns.get(name) for name in LONG_COLUMNS)
    if not (value and unit and is_text(table[unit].type)):
        return None
    units = pc.drop_null(pc.unique(table[unit])).to_pylist()
    return dict(zip(LONG_COLUMNS, (value, unit), strict=True)), stored_units(units)


def stored_units(units: Sequence[str]) -> list[str]:
    """Return the units to store values in, sorted: percent is kept, unless other values are ratios.

    >>> stored_units(["kW", "MW", "%"]), stored_units(["%", "ratio"])
    (['%', 'MW'], ['ratio'])
    """
    targets = {unit: scale.unit for unit, scale in UNITS.items()}
    targets |= {"ratio": "ratio", "%": "ratio" if "ratio" in units else "%"}
    return sorted({targets.get(unit, unit) for unit in units})


def codes_of(column: pa.ChunkedArray) -> Codes:
    """Return a code for each row, equal where the values are; null is a value too."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    codes: Codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _sort_column(name: str, column: pa.ChunkedArray, times: Codes, distinct_times: int, columns: Columns) -> None:
    codes = codes_of(column)
    values = len(np.unique(codes))
    if column.null_count == len(column):
        columns.others[name] = "always empty"
    elif values == 1:
        columns.others[name] = f"always {column[0].as_py()}"
    elif types.is_timestamp(column.type) or types.is_date(column.type):
        columns.others[name] = "a second time, and a point has only one"
    elif not _is_fractional(column) and _follows_time(codes, times, distinct_times):
        columns.others[name] = "follows from the time"
    elif _is_number(name, column, values):
        columns.fields.append(name)
    elif _repeats(codes, distinct_times, values):
        columns.labels[name] = codes
    else:
        columns.others[name] = "has another value in almost every row, so it would make a series of each"


def _is_number(name: str, column: pa.ChunkedArray, values: int) -> bool:
    """Return whether a column holds numbers that are measured, and not labels."""
    if is_text(column.type):
        texts = pc.drop_null(pc.unique(column))
        numeric = pc.all(pc.match_substring_regex(texts, _NUMBER)).as_py()
        padded = pc.any(pc.match_substring_regex(texts, _PADDED)).as_py()
        return bool(numeric and not padded and pc.any(pc.match_substring_regex(texts, _FRACTION)).as_py())
    if types.is_integer(column.type):
        return values > _FEW_NUMBERS and not _LABEL_WORD.search(snake_case(name))
    return True


def _is_fractional(column: pa.ChunkedArray) -> bool:
    return bool(types.is_floating(column.type) or types.is_decimal(column.type))


def _follows_time(codes: Codes, times: Codes, distinct_times: int) -> bool:
    """Return whether a column has one value at each time, although several rows share a time."""
    return len(times) > distinct_times and count_distinct(times, codes) == distinct_times


def _repeats(codes: Codes, distinct_times: int, values: int) -> bool:
    """Return whether the values of a column come again at other times, as those of a tag do."""
    return distinct_times == 1 or values < len(codes) * 0.9
