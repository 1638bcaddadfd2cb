"""The columns of the long layout, and the units that the loader converts to the units of fields."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Scale(NamedTuple):
    """A conversion to `unit`: multiply by `multiplier`, then divide by `divisor`.

    One of the two is 1, so a value is rounded once at most.
    """

    unit: str
    multiplier: float = 1.0
    divisor: float = 1.0


LONG_COLUMNS = ("value", "unit")
"""The columns of the long layout, in which each row is one value, instead of one column for each field."""

PERCENT = 100.0
"""The multiplier of ratios, whose conversion to percent keeps the digits (`columns.percent` of ConvertAndChunk)."""

UNITS: Mapping[str, Scale] = MappingProxyType(
    {
        "MWmed": Scale("MW"),
        "kW": Scale("MW", divisor=1000.0),
        "GW": Scale("MW", multiplier=1000.0),
        "kWh": Scale("MWh", divisor=1000.0),
        "GWh": Scale("MWh", multiplier=1000.0),
        "%": Scale("ratio", divisor=100.0),
        "ratio": Scale("%", multiplier=PERCENT),
    }
)
"""Units that the column `unit` of the long layout may name in addition to the fields' own units.

MWmed is ONS's unit for the mean power of an hour.
"""

SHARES = ("ratio", "%")
"""The two units of a share. A field may have either, and each is converted to the other."""


def scale_to(unit: str, field_unit: str) -> Scale | None:
    """Return how to convert values to the unit of a field, or None if they are of another kind.

    Values that have the unit of the field already are kept.

    >>> scale_to("%", "%"), scale_to("ratio", "%"), scale_to("%", "MW")
    (Scale(unit='%', multiplier=1.0, divisor=1.0), Scale(unit='%', multiplier=100.0, divisor=1.0), None)
    """
    scale = Scale(unit) if unit == field_unit else UNITS.get(unit)
    return scale if scale and scale.unit == field_unit else None
