"""The long layout: each row is one value, and its measurement_type or its unit names the field.

`spread` turns a record batch into what the wide layout would have: one column per field. `_destinations` decides for
each distinct pair of measurement type and unit, by `field_of`, which field its values belong to and how to scale them.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.columns.dictionaries import Encoded, combine, encode, text_values
from functions.convert_and_chunk.columns.numbers import Numbers, numbers
from functions.convert_and_chunk.columns.percent import to_percent
from functions.convert_and_chunk.columns.tags import trim
from functions.convert_and_chunk.verdicts import Problem, Reason, problems
from shared.datasets import Field
from shared.units import PERCENT, Scale, scale_to

_NO_FIELD = -1
_UNKNOWN = Reason("unknown_unit", "measurement_type and unit name no field of the dataset")


def field_of(measurement_type: str, unit: str, fields: Sequence[Field]) -> tuple[int, Scale] | None:
    """Return the number of the field that a value belongs to and the scale of its unit, or None if there is none.

    A measurement type that is the name of a field decides, and then the unit may be empty. Else the unit decides, if
    exactly one field has it, or else if it can be scaled to the unit of exactly one field. In both cases the unit has
    to be one that can be scaled to the unit of the field.

    >>> field_of("verified", "kW", [Field(name="power_mw", unit="MW"), Field(name="efficiency", unit="ratio")])
    (0, Scale(unit='MW', multiplier=1.0, divisor=1000.0))
    """
    same_name = [number for number, field in enumerate(fields) if field.name == measurement_type]
    if same_name and not unit:
        return same_name[0], Scale(fields[same_name[0]].unit)
    scales = {number: scale_to(unit, fields[number].unit) for number in same_name or range(len(fields))}
    matches = [(number, scale) for number, scale in scales.items() if scale]
    same_unit = [(number, scale) for number, scale in matches if fields[number].unit == unit]
    candidates = same_unit or matches
    return candidates[0] if len(candidates) == 1 else None


def spread(batch: pa.RecordBatch, fields: Sequence[Field]) -> tuple[dict[str, Numbers], list[Problem]]:
    """Return the values of a record batch as one column per field, each with NaN for the rows of other fields.

    Example: 1500 kW are 1.5 MW of the first field, the ratio belongs to the second field, and no field is in furlongs.

    >>> power, efficiency = Field(name="power_mw", unit="MW"), Field(name="efficiency", unit="ratio")
    >>> batch = pa.record_batch({"value": [1500.0, 0.5, 3.0], "unit": ["kW", "ratio", "furlong"]})
    >>> columns, [unknown_unit] = spread(batch, [power, efficiency])
    >>> columns["power_mw"].values.tolist(), columns["efficiency"].values.tolist()
    ([1.5, nan, nan], [nan, 0.5, nan])
    >>> unknown_unit.rows.tolist()
    [False, False, True]
    """
    column = numbers(batch.column("value"), "value")
    field, multiplier, divisor = _destinations(batch, fields)
    # kW are divided by 1000, which rounds once. Multiplying by 0.001, which is rounded itself, would round twice.
    with np.errstate(over="ignore"):
        scaled = column.values * multiplier / divisor
        is_share = multiplier == PERCENT
        scaled[is_share] = to_percent(column.values[is_share])
    too_large = np.isinf(scaled)
    scaled[too_large] = np.nan
    columns = {}
    for number, each in enumerate(fields):
        is_field = field == number
        not_finite = (column.not_finite | too_large) & is_field
        columns[each.name] = Numbers(np.where(is_field, scaled, np.nan), not_finite, [])
    return columns, column.problems + problems(field == _NO_FIELD, _UNKNOWN)


def _destinations(batch: pa.RecordBatch, fields: Sequence[Field]) -> Iterator[NDArray[np.float64]]:
    """Return the number of the field (or _NO_FIELD), the multiplier and the divisor of each row, as three arrays.

    There are few distinct pairs of measurement type and unit, so each pair is decided once.

    Example: without measurement types each row has the type null, whose code is 0 of a size of 1. The units kW, MW, kW
    have the codes 0, 1, 0 of a size of 3. So the pairs are 0, 1, 0, and `divmod(1, 3)` is the type 0 and the unit 1.

    >>> batch = pa.record_batch({"unit": ["kW", "MW", "kW"]})
    >>> [array.tolist() for array in _destinations(batch, [Field(name="power_mw", unit="MW")])]
    [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1000.0, 1.0, 1000.0]]
    """
    types, units = _labels(batch, "measurement_type"), _labels(batch, "unit")
    pairs = pa.array(combine((types, units), batch.num_rows).keys).dictionary_encode()
    type_texts, unit_texts = ([trim(text) for text in text_values(label.dictionary)] for label in (types, units))
    destinations = []
    for type_code, unit_code in (divmod(pair, units.size) for pair in pairs.dictionary.to_pylist()):
        number, scale = field_of(type_texts[type_code], unit_texts[unit_code], fields) or (_NO_FIELD, Scale(""))
        destinations.append((number, scale.multiplier, scale.divisor))
    return (column[pairs.indices.to_numpy()] for column in np.array(destinations, np.float64).T)


def _labels(batch: pa.RecordBatch, name: str) -> Encoded:
    """Return a column of text, or nulls if the file has no such column."""
    exists = name in batch.schema.names
    return encode(batch.column(name) if exists else pa.nulls(batch.num_rows, pa.string()))
