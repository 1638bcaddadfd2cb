"""The long layout: one row is one value, and its measurement_type or its unit says of which field."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.columns.dictionaries import Encoded, combined, encoded, values
from functions.convert_and_chunk.columns.numbers import Numbers, numbers
from functions.convert_and_chunk.columns.tags import trim
from functions.convert_and_chunk.verdicts import Problem, Reason, problems
from shared.datasets import UNITS, Field, Scale

_NOWHERE = -1
_UNKNOWN = Reason("unknown_unit", "measurement_type and unit name no field of the dataset")


def field_of(measurement_type: str, unit: str, fields: Sequence[Field]) -> tuple[int, Scale] | None:
    """Which field a value belongs to, and how it is scaled.

    The measurement type decides where it names a field, else the unit where one field alone has it. A unit that the
    field does not go with is no unit of it; a named field needs none.
    """
    scale = UNITS.get(unit, Scale(unit))
    named = [number for number, field in enumerate(fields) if field.name == measurement_type]
    fitting = [number for number in named or range(len(fields)) if fields[number].unit == scale.unit]
    if named and not unit:
        return named[0], Scale(fields[named[0]].unit)
    return (fitting[0], scale) if len(fitting) == 1 else None


def spread(batch: pa.RecordBatch, fields: Sequence[Field]) -> tuple[dict[str, Numbers], list[Problem]]:
    """The values of a record batch of the long layout, one column per field as the wide layout has them."""
    found = numbers(batch.column("value"), "value")
    field, multiplier, divisor = _destinations(batch, fields)
    with np.errstate(over="ignore"):
        scaled = found.values * multiplier / divisor
    too_large = np.isinf(scaled)
    scaled[too_large] = np.nan
    columns = {}
    for number, each in enumerate(fields):
        here = field == number
        columns[each.name] = Numbers(np.where(here, scaled, np.nan), (found.not_finite | too_large) & here, [])
    return columns, found.problems + problems(field == _NOWHERE, _UNKNOWN)


def _destinations(batch: pa.RecordBatch, fields: Sequence[Field]) -> Iterator[NDArray[np.float64]]:
    """Per row the number of its field, or _NOWHERE, then multiplier and divisor: found once per distinct pair."""
    types, units = _labels(batch, "measurement_type"), _labels(batch, "unit")
    pairs = combined((types, units), batch.num_rows).keys.dictionary_encode()
    type_texts, unit_texts = ([trim(text) for text in values(label.dictionary)] for label in (types, units))
    found = []
    for type_code, unit_code in (divmod(pair, units.size) for pair in pairs.dictionary.to_pylist()):
        number, scale = field_of(type_texts[type_code], unit_texts[unit_code], fields) or (_NOWHERE, Scale(""))
        found.append((number, scale.multiplier, scale.divisor))
    return (column[pairs.indices.to_numpy()] for column in np.array(found, np.float64).T)


def _labels(batch: pa.RecordBatch, name: str) -> Encoded:
    """A column of text; nothing at all where a dataset or a file goes without it."""
    there = name in batch.schema.names
    return encoded(batch.column(name) if there else pa.nulls(batch.num_rows, pa.string()))
