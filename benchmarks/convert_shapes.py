"""The two shapes of rows that the conversion benchmark measures, generated from a seed."""

from typing import Literal

import numpy as np
import pyarrow as pa

SEED = 20240101
PLANTS, TAG_SETS = 2_000, 6_000
REGIONS = ("N", "NE", "S", "SE")
SOURCES = ("hydro", "nuclear", "solar", "thermal", "wind")
TYPES = ("verified", "programmed", "dispatched")

Shape = Literal["dec", "full"]
SHAPES: tuple[Shape, ...] = ("dec", "full")


def record_batch(shape: Shape, rows: int, *, first_row: int = 0) -> pa.RecordBatch:
    """Return generation by plant with five tags and three fields, of which 1 % are null.

    Each hour holds every tag set once. The fields of `dec` have one to three decimals, as meters report them; those of
    `full` are doubles with all their digits.
    """
    random = np.random.default_rng((SEED, first_row))
    row = np.arange(first_row, first_row + rows)
    tag_set = np.random.default_rng(SEED).permutation(TAG_SETS)[row % TAG_SETS]
    plant = tag_set % PLANTS
    columns: dict[str, pa.Array] = {
        "timestamp": pa.array(1_704_067_200_000_000 + row // TAG_SETS * 3_600_000_000, pa.timestamp("us", "UTC")),
        "region": tag_column(plant % len(REGIONS), REGIONS),
        "energy_source": tag_column(plant % len(SOURCES), SOURCES),
        "measurement_type": tag_column(tag_set // PLANTS, TYPES),
        "quality_flag": tag_column(plant % 2, ("measured", "estimated")),
        "plant_name": tag_column(plant, [f"Usina Hidreletrica {number:04}" for number in range(PLANTS)]),
        "power_mw": _field(random, random.gamma(2.0, 120.0, rows), 2 if shape == "dec" else None),
        "capacity_factor": _field(random, random.beta(2.0, 3.0, rows), 3 if shape == "dec" else None),
        "efficiency": _field(random, random.beta(8.0, 2.0, rows), 1 if shape == "dec" else None),
    }
    return pa.record_batch(columns)


def tag_column(codes: np.ndarray, values: tuple[str, ...] | list[str]) -> pa.DictionaryArray:
    """Return a column of text that has value number `codes[row]` in each row."""
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), pa.array(values))


def _field(random: np.random.Generator, values: np.ndarray, decimals: int | None) -> pa.Array:
    rounded = values if decimals is None else np.round(values, decimals)
    return pa.array(rounded, mask=random.random(len(values)) < 0.01)
