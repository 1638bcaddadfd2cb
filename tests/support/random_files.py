"""Random files of all datasets and both layouts, with some rows of every kind that is set aside."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from shared.datasets import DATASETS, Dataset

MONTH_S = 30 * 86_400


class RandomFile(NamedTuple):
    """A table and the object key it is put under, which contains its dataset and seed."""

    key: str
    table: pa.Table


def random_file(seed: int) -> RandomFile:
    """Return the file of this seed, in a month of its own. About one file in ten cannot be loaded at all."""
    random = np.random.default_rng(seed)
    dataset = list(DATASETS.values())[random.integers(len(DATASETS))]
    rows = int(random.choice([0, 1, 50, 3_000, 12_000]))
    table = _tags(dataset, rows, random) | _times(seed, rows, random)
    table |= _long(dataset, rows, random) if random.random() < 0.3 else _wide(dataset, rows, random)
    table["note"] = pa.array(random.integers(0, 9, rows))
    shuffled = pa.table(table).take(_with_repetitions(rows, random))
    return RandomFile(f"dataset={dataset.name}/seed={seed}/file.parquet", shuffled)


def _tags(dataset: Dataset, rows: int, random: np.random.Generator) -> dict[str, Any]:
    values = ["N", "NE ", "S,E", "a=b", "São Paulo", "-", "", "tab\t", None]
    weights = np.array([0.4, 0.2, 0.1, 0.1, 0.1, 0.03, 0.03, 0.02, 0.02])
    return {
        tag: pa.array([values[n] for n in random.choice(len(values), rows, p=weights)], pa.string())
        for tag in dataset.tags
        if tag in dataset.required_tags or random.random() < 0.5
    }


def _times(seed: int, rows: int, random: np.random.Generator) -> dict[str, Any]:
    seconds = 1_000_000_000 + seed * MONTH_S + random.integers(0, MONTH_S, rows)
    null = random.random(rows) < 0.01
    return {"timestamp": pa.array(seconds, mask=null).cast(pa.timestamp("s", "UTC"))}


def _wide(dataset: Dataset, rows: int, random: np.random.Generator) -> dict[str, Any]:
    return {name: pa.array(_values(rows, random), from_pandas=False) for name in dataset.field_names}


def _long(dataset: Dataset, rows: int, random: np.random.Generator) -> dict[str, Any]:
    units = [field.unit for field in dataset.fields] + ["furlong"]
    return {"value": pa.array(_values(rows, random)), "unit": pa.array(random.choice(units, rows), pa.string())}


def _values(rows: int, random: np.random.Generator) -> Any:
    values = np.round(random.normal(500, 200, rows), int(random.integers(0, 12)))
    values[random.random(rows) < 0.02] = np.nan
    values[random.random(rows) < 0.01] = np.inf
    return values


def _with_repetitions(rows: int, random: np.random.Generator) -> Any:
    """Return the numbers of all rows in random order, 2 % of them twice."""
    again = random.integers(0, rows, rows // 50) if rows else np.empty(0, np.int64)
    return random.permutation(np.concatenate((np.arange(rows), again)))
