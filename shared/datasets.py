"""The datasets: the columns that a Parquet file must have, and the measurement, tags and fields that they become.

`DATASETS` holds the declarations, and `dataset_of` finds the one that an object's key names. A `Dataset` checks its own
declaration when it is created, so that a contradiction fails at import, in the tests, and not in a load.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.errors import UnknownDatasetError
from shared.units import UNITS

LONG_COLUMNS = ("value", "unit")
"""The columns of the long layout, in which each row is one value, instead of one column for each field."""

MAX_FIELDS = 64
"""The number of fields that a dataset can have: the footprint of a load has a mask of 64 bits for each point."""

EARLIEST = date(1990, 1, 1)
"""The default of the earliest plausible time: the data of the power grid begins later."""

_FIRST_DATE, _LAST_DATE = date(1678, 1, 1), date(2262, 1, 1)
"""The dates between which InfluxDB can store times."""

_NAME = re.compile(r"[^\W_][\w.-]*")
"""A name that line protocol does not need to escape."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A float field. Values outside `minimum` and `maximum` are loaded, and the report counts them."""

    name: str
    unit: str
    minimum: float = -math.inf
    maximum: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One dataset: a file belongs to it if its key contains the folder `dataset=<name>`.

    Attributes:
        name: the name in the key.
        measurement: the InfluxDB measurement.
        required_tags: tags that need a value in every row.
        optional_tags: tags that may be empty, and whose columns may be absent.
        fields: the fields; a file needs at least one of them.
        timestamp: the name of the time column.
        zone: the time zone of timestamps that name none.
        epoch: the unit of timestamps that are integers; None if they are not integers.
        aliases: column names of files, mapped to the names of this declaration.
        ignored_columns: column names of files that resemble a name of this declaration, but mean something else.
        bucket: the InfluxDB bucket; None for the default, `INFLUXDB_BUCKET`.
        max_set_aside_rate: the share of a file's rows that may be set aside; None for `MAX_SET_ASIDE_RATE`.
        earliest: rows before this date (UTC) are set aside.
        latest: rows after the beginning of this date (UTC) are set aside; None for ten years after the object was
            last modified.
        max_series: the number of series that a file may have; None for the default, `MAX_SERIES`.

    Raises:
        ValueError: the declaration contradicts itself.
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
    ignored_columns: tuple[str, ...] = ()
    bucket: str | None = None
    max_set_aside_rate: float | None = None
    earliest: date = EARLIEST
    latest: date | None = None
    max_series: int | None = None

    def __post_init__(self) -> None:
        if contradictions := list(_contradictions(self)):
            raise ValueError(f"dataset {self.name!r}: {'; '.join(contradictions)}")

    @property
    def tags(self) -> tuple[str, ...]:
        """The required tags, then the optional tags."""
        return self.required_tags + self.optional_tags

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of the fields, in the order of the declaration."""
        return tuple(each.name for each in self.fields)


def _contradictions(dataset: Dataset) -> Iterator[str]:
    """Yield each contradiction of a declaration.

    InfluxDB accepts a tag and a field of the same name, but then cannot query the tag. It drops a field named `time`.
    """
    columns = (dataset.timestamp, *dataset.tags, *dataset.field_names)
    for name, times in Counter(columns).items():
        if times > 1:
            yield f"{name!r} is declared {times} times: use each name for one timestamp, tag or field"
    for name in (dataset.measurement, *dataset.tags, *dataset.field_names):
        if name == "time" or not _NAME.fullmatch(name):
            yield f"{name!r} is not a valid name: use letters, digits, '_', '.' and '-', no '_' first, not 'time'"
    for column, name in dataset.aliases.items():
        if name not in (*columns, *LONG_COLUMNS) or column in columns:
            yield f"alias {column!r} for {name!r} is not valid: map a name that is not declared to one that is"
    for column in dataset.ignored_columns:
        if column in (*columns, *dataset.aliases, *LONG_COLUMNS):
            yield f"ignored column {column!r} is also declared, or an alias: remove one of the two"
    yield from _contradictory_fields(dataset.fields)
    yield from _contradictory_limits(dataset)
    if dataset.zone != "UTC" and not _is_zone(dataset.zone):
        yield f"{dataset.zone!r} is not a time zone: use a name of the IANA database, such as America/Sao_Paulo"


def _contradictory_fields(fields: tuple[Field, ...]) -> Iterator[str]:
    if not fields:
        yield "no fields are declared: declare at least one"
    if len(fields) > MAX_FIELDS:
        yield f"{len(fields)} fields are declared, more than {MAX_FIELDS}: divide them among several datasets"
    for each in fields:
        if each.unit in UNITS:
            yield f"field {each.name!r} is in {each.unit!r}, which is converted: use {UNITS[each.unit].unit!r}"


def _contradictory_limits(dataset: Dataset) -> Iterator[str]:
    if not _FIRST_DATE <= dataset.earliest < (dataset.latest or _LAST_DATE) <= _LAST_DATE:
        yield f"earliest and latest must be in this order, and between {_FIRST_DATE} and {_LAST_DATE}"
    if dataset.max_series is not None and dataset.max_series < 1:
        yield f"max_series is {dataset.max_series}: use a number of at least 1"
    if not 0.0 <= (dataset.max_set_aside_rate or 0.0) <= 1.0:
        yield f"max_set_aside_rate is {dataset.max_set_aside_rate}: use a number from 0 to 1"


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
    """Return the dataset that the folder `dataset=<name>` of `key` names.

    Raises:
        UnknownDatasetError: no such folder, or no dataset has that name.
    """
    folder = re.search(r"(?:^|/)dataset=([^/]+)/", key)
    if folder is None or folder[1] not in DATASETS:
        raise UnknownDatasetError(
            f"{key!r} does not name a dataset: move it into dataset=<name>/, where <name> is {', '.join(DATASETS)}"
        )
    return DATASETS[folder[1]]
