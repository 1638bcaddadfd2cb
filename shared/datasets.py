"""The datasets: what a Parquet file must carry, and which measurement, tags and fields it becomes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from shared.errors import UnknownDatasetError


@dataclass(frozen=True, kw_only=True)
class Field:
    """A float field. Values outside the soft bounds are loaded, and counted in the report."""

    name: str
    unit: str
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One dataset, told by `dataset=<name>` in the key. Required tags must be in every row, optional ones may be.

    Times without a zone are local to `zone`. `epoch` declares that the timestamps are integers, and their unit.
    `aliases` maps a file's column names to the names of this declaration.
    """

    name: str
    measurement: str
    required_tags: tuple[str, ...]
    optional_tags: tuple[str, ...]
    fields: tuple[Field, ...]
    timestamp: str = "timestamp"
    zone: str = "UTC"
    epoch: Literal["s", "ms", "us", "ns"] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    bucket: str | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """Required, then optional tags."""
        return self.required_tags + self.optional_tags

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields' names, in the order of the declaration."""
        return tuple(each.name for each in self.fields)


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
