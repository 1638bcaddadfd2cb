"""Sample files of the three datasets, generated from a seed, with the daily and seasonal shape of Brazil's grid.

`write_samples` writes one file per dataset. One function per dataset computes its columns from the hour and the series
of each row; `_spoil` then makes the first rows invalid, so that every load also has rows to set aside.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Floats = npt.NDArray[np.float64]
Columns = dict[str, npt.NDArray[Any]]

REGIONS = ("N", "NE", "S", "SE")
START = np.datetime64("2024-01-01T00:00:00", "us")
INVALID_RECORDS = 4
"""The number of rows in each file that the loader sets aside: one for each reason in `_spoil`."""


class Sample(NamedTuple):
    """A Parquet file on disk, and the S3 key whose folders name its dataset."""

    path: Path
    key: str


def write_samples(folder: Path, rows: int, seed: int = 2024) -> dict[str, Sample]:
    """Write one Parquet file of `rows` rows per dataset and return them by dataset. Equal arguments give equal rows."""
    return {name: _write(folder, name, generate, rows, seed) for name, generate in _GENERATORS.items()}


def _write(folder: Path, dataset: str, generate: "Generator", rows: int, seed: int) -> Sample:
    random = np.random.default_rng((seed, len(dataset)))
    hours = np.arange(rows) // SERIES
    columns = generate(hours.astype(np.float64), np.arange(rows) % SERIES, random)
    columns["quality_flag"] = random.choice(np.array(["good", "estimated"], object), rows, p=[0.98, 0.02])
    time = START + hours * np.timedelta64(1, "h")
    arrays = {"timestamp": pa.array(time, pa.timestamp("us", "UTC"))}
    table = _spoil(pa.table(arrays | {name: pa.array(values) for name, values in columns.items()}))
    path = folder / f"{dataset}.parquet"
    pq.write_table(table, path, row_group_size=65_536, compression="snappy")
    processed_at = datetime(2024, 8, 1, 3, 4, 5, 678901, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    key = f"dataset={dataset}/year=2024/month=01/processing_metadata_processed_at={processed_at}/{path.name}"
    return Sample(path, key)


def _spoil(table: pa.Table) -> pa.Table:
    """Make the first rows invalid: row 0 has no time, row 1 no region, row 2 no measurement type, row 3 no field."""
    fields = [name for name in table.column_names if pa.types.is_floating(table.schema.field(name).type)]
    missing = [["timestamp"], ["region"], ["measurement_type"], fields]
    for name in table.column_names:
        null = np.zeros(len(table), bool)
        null[: len(missing)] = [name in names for names in missing][: len(table)]
        column = pa.compute.if_else(pa.array(null), None, table.column(name))
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _generation(hours: Floats, series: npt.NDArray[np.int64], random: np.random.Generator) -> Columns:
    """Return columns with solar power by day, wind by night and in the dry season, and hydro in the wet season."""
    sources = np.array(["hydro", "wind", "solar", "thermal", "nuclear"], object)
    source = sources[series // len(REGIONS)]
    day, year = 2 * np.pi * (hours - 3) / 24, 2 * np.pi * hours / 8760
    factor = np.select(
        [source == "solar", source == "wind", source == "hydro", source == "thermal"],
        [
            np.clip(-np.cos(day), 0, None) * (0.85 + 0.1 * np.cos(year)),
            0.45 + 0.12 * np.cos(day) - 0.18 * np.cos(year),
            0.55 + 0.20 * np.cos(year) - 0.08 * np.cos(2 * day),
            0.35 - 0.15 * np.cos(year),
        ],
        0.97,
    )
    factor = np.clip(factor * random.normal(1, 0.04, len(hours)), 0, 1.05)
    capacity = 1_000.0 * (1 + series % 7) * np.where(source == "hydro", 4, 1)
    return {
        "region": np.array(REGIONS, object)[series % len(REGIONS)],
        "energy_source": source,
        "measurement_type": np.full(len(hours), "verified", object),
        "power_mw": np.round(capacity * factor, 3),
        "capacity_factor": factor,
        "efficiency": np.round(np.where(source == "thermal", 0.42, 0.9) + random.normal(0, 0.01, len(hours)), 4),
    }


def _consumption(hours: Floats, series: npt.NDArray[np.int64], random: np.random.Generator) -> Columns:
    """Return columns with an evening peak at home, working hours elsewhere, lower weekends and higher summers."""
    types = np.array(["residential", "commercial", "industrial", "rural", "public"], object)
    consumer = types[series // len(REGIONS)]
    hour, weekend = (hours - 3) % 24, (hours // 24) % 7 >= 5  # noqa: PLR2004
    evening, working = np.exp(-(((hour - 20) / 3) ** 2)), np.exp(-(((hour - 14) / 5) ** 2))
    shape = np.where(consumer == "residential", 0.6 + 0.5 * evening, 0.5 + 0.5 * working * np.where(weekend, 0.4, 1))
    shape = shape * (1 + 0.12 * np.cos(2 * np.pi * hours / 8760)) * random.normal(1, 0.02, len(hours))
    peak = 900.0 * (1 + series % 9)
    return {
        "region": np.array(REGIONS, object)[series % len(REGIONS)],
        "consumer_type": consumer,
        "measurement_type": np.full(len(hours), "verified", object),
        "consumption_mwh": np.round(peak * shape, 3),
        "demand_mw": np.round(peak * shape * 1.04, 3),
        "load_factor": shape / 1.3,
    }


def _transmission(hours: Floats, series: npt.NDArray[np.int64], random: np.random.Generator) -> Columns:
    """Return columns with power that flows both ways between regions, and losses that grow with its square."""
    day = 2 * np.pi * (hours - 3) / 24
    flow = 400.0 * (1 + series % 5) * np.sin(day + series) + random.normal(0, 60, len(hours))
    region = np.array(REGIONS, object)[series % len(REGIONS)]
    return {
        "region": region,
        "line_id": np.array([f"LT 500 kV {REGIONS[n % 4]}-{n:02}" for n in range(SERIES)], object)[series],
        "measurement_type": np.full(len(hours), "verified", object),
        "flow_mw": np.round(flow, 3),
        "losses_mwh": np.round(flow**2 * 1.7e-5, 4),
        "voltage_kv": np.round(random.normal(510, 4, len(hours)), 2),
    }


SERIES = 20
"""The number of series in each file; every hour holds one row of each."""

Generator = Callable[[Floats, npt.NDArray[np.int64], np.random.Generator], Columns]
_GENERATORS: dict[str, Generator] = {
    "generation": _generation,
    "consumption": _consumption,
    "transmission": _transmission,
}
