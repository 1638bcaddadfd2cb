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

UNITS: Mapping[str, Scale] = MappingProxyType(
    {
        "MWmed": Scale("MW"),
        "kW": Scale("MW", divisor=1000.0),
        "GW": Scale("MW", multiplier=1000.0),
        "kWh": Scale("MWh", divisor=1000.0),
        "GWh": Scale("MWh", multiplier=1000.0),
        "%": Scale("ratio", divisor=100.0),
    }
)
"""Units that the column `unit` of the long layout may name in addition to the fields' own units.

MWmed is ONS's unit for the mean power of an hour.
"""
