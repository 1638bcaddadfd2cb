"""The datasets: what a Parquet file must carry, and which measurement, tags and fields it becomes."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.errors import UnknownDatasetError


class Scale(NamedTuple):
    """A value in some unit, times `multiplier`, divided by `divisor`, is in `unit`: one rounding at most."""

    unit: str
    multiplier: float = 1.0
    divisor: float = 1.0


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
"""Units that the long layout's `unit` may name beside those of the fields. MWmed is ONS's mean power of an hour."""


LONG_COLUMNS = ("value", "unit")
"""What a file of the long layout has instead of a column per field: each row is one value."""

_NAME = re.compile(r"[^\W_][\w.-]*")
"""Names that need no escaping in line protocol."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A float field. Values outside the soft bounds are loaded, and counted in the report."""

    name: str
    unit: str
    minimum: float = -math.inf
    maximum: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One dataset, told by `dataset=<name>` in the key. Required tags must be in every row, optional ones may be.

    Times without a zone are local to `zone`. `epoch` declares that the timestamps are integers, and their unit.
    `aliases` maps a file's column names to the names of this declaration. A declaration that contradicts itself
    raises ValueError, at import.
    """

    name: str
    measurement: str
    required_tags: tuple[str, ...]
    optional_tags: tuple[str, ...] = ()
    fields: tuple[Field, ...]
    timestamp: str = "timestamp"
    zone: str = "UTC"
    epoch: Literal["s", "ms", "us", "ns"] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    bucket: str | None = None

    def __post_init__(self) -> None:
        if contradictions := list(_contradictions(self)):
            raise ValueError(f"dataset {self.name!r}: {'; '.join(contradictions)}")

    @property
    def tags(self) -> tuple[str, ...]:
        """Required, then optional tags."""
        return self.required_tags + self.optional_tags

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields' names, in the order of the declaration."""
        return tuple(each.name for each in self.fields)


def _contradictions(dataset: Dataset) -> Iterator[str]:
    """InfluxDB keeps a tag and a field of one name, and then cannot query the tag; it drops a field called `time`."""
    columns = (dataset.timestamp, *dataset.tags, *dataset.field_names)
    for name, times in Counter(columns).items():
        if times > 1:
            yield f"{name!r} is declared {times} times, as timestamp, tag or field"
    for name in (dataset.measurement, *dataset.tags, *dataset.field_names):
        if name == "time" or not _NAME.fullmatch(name):
            yield f"{name!r} cannot be a name: letters, digits, '_', '.' and '-' can, but not '_' first, nor 'time'"
    for column, name in dataset.aliases.items():
        if name not in (*columns, *LONG_COLUMNS) or column in columns:
            yield f"alias {column!r} for {name!r}: it has to lead from another name to a declared one"
    yield from _contradictory_fields(dataset.fields)
    if dataset.zone != "UTC" and not _is_zone(dataset.zone):
        yield f"{dataset.zone!r} is no time zone"


def _contradictory_fields(fields: tuple[Field, ...]) -> Iterator[str]:
    if not fields:
        yield "it has no field"
    for each in fields:
        if each.unit in UNITS:
            yield f"field {each.name!r} is in {each.unit!r}, which is scaled to another unit: {UNITS[each.unit].unit!r}"


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        return False


_DATASETS = (
    Dataset(
        name="generation",
        measurement="generation_data",
        required_tags=("region", "energy_source", "measurement_type"),
        optional_tags=("quality_flag", "plant_name", "operator"),
        fields=(
            Field(name="power_mw", unit="MW", minimum=0.0),
            Field(name="capacity_factor", unit="ratio", minimum=0.0, maximum=1.0),
            Field(name="efficiency", unit="ratio", minimum=0.0, maximum=1.0),
        ),
    ),
    Dataset(
        name="consumption",
        measurement="consumption_data",
        required_tags=("region", "consumer_type", "measurement_type"),
        optional_tags=("quality_flag", "sector", "subsector", "tariff_type"),
        fields=(
            Field(name="consumption_mwh", unit="MWh", minimum=0.0),
            Field(name="demand_mw", unit="MW", minimum=0.0),
            Field(name="load_factor", unit="ratio", minimum=0.0, maximum=1.0),
        ),
    ),
    Dataset(
        name="transmission",
        measurement="transmission_data",
        required_tags=("region", "line_id", "measurement_type"),
        optional_tags=("quality_flag", "line_type", "operator"),
        fields=(
            Field(name="flow_mw", unit="MW"),
            Field(name="losses_mwh", unit="MWh"),
            Field(name="voltage_kv", unit="kV", minimum=0.0),
        ),
    ),
)

DATASETS: Mapping[str, Dataset] = MappingProxyType({dataset.name: dataset for dataset in _DATASETS})


def dataset_of(key: str) -> Dataset:
    """The dataset that `key` names in a folder `dataset=<name>`. Raises UnknownDatasetError."""
    named = re.search(r"(?:^|/)dataset=([^/]+)/", key)
    if named is None or named[1] not in DATASETS:
        raise UnknownDatasetError(
            f"{key!r} names no known dataset: put the file under dataset=<name>/, <name> one of {', '.join(DATASETS)}"
        )
    return DATASETS[named[1]]
