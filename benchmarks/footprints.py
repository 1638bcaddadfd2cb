"""`make bench-footprints`: measure the size of footprints in bytes a point.

It measures hourly data of the conversion benchmark, and the same rows at random times, and writes
benchmarks/results/footprints.json. `python -m benchmarks.footprints FILE…` measures files with `dataset=<name>` in
their path instead, and writes nothing.
"""

import sys
from io import BytesIO, IOBase
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.convert_shapes import SEED, TAG_SETS, record_batch
from benchmarks.record import describe_machine, package_versions, save_result
from functions.convert_and_chunk.part import read_records
from functions.convert_and_chunk.row_groups import PartReader
from functions.validate_schema.footer import row_group_rows
from functions.validate_schema.parts import plan_parts
from shared.dataset_keys import dataset_of
from shared.datasets import DATASETS, Dataset
from shared.footprints import read_footprint
from shared.settings import conversion_settings

HOURS = 300
YEAR_US = 366 * 24 * 3_600_000_000


def bytes_a_point(source: IOBase, dataset: Dataset) -> float:
    """Return the size of the footprints of a file, divided by its points."""
    size, points = 0, 0
    for part in plan_parts(row_group_rows(pq.read_metadata(source))):
        records = read_records(PartReader(source, part, "a file"), part["rows"], dataset, conversion_settings({}))
        records.judge_repeated_points()
        content = records.take_footprint().parquet
        size, points = size + len(content), points + len(read_footprint(content).points.time)
    return size / max(1, points)


def generated(*, random_times: bool) -> BytesIO:
    """Return a file with HOURS hours of all tag sets, or with as many rows at random microseconds of a year."""
    batch = record_batch("dec", HOURS * TAG_SETS)
    if random_times:
        first_us = batch.column("timestamp").cast(pa.int64())[0].as_py()
        times = first_us + np.random.default_rng(SEED).integers(0, YEAR_US, batch.num_rows)
        batch = batch.set_column(0, "timestamp", pa.array(times, pa.timestamp("us", "UTC")))
    sink = BytesIO()
    pq.write_table(pa.table(batch), sink)
    return sink


def main() -> None:
    """Print the sizes, and write the result of the generated data."""
    if files := sys.argv[1:]:
        for file in files:
            size = bytes_a_point(BytesIO(Path(file).read_bytes()), dataset_of(file))
            print(f"{size:8.2f} bytes a point  {file}")
        return
    machine, generation = describe_machine(), DATASETS["generation"]
    figures = {
        name: round(bytes_a_point(generated(random_times=random_times), generation), 3)
        for name, random_times in (("hourly data", False), ("random microseconds", True))
    }
    print(figures)
    versions = package_versions(("pyarrow", "numpy"))
    save_result("footprints", seed=SEED, machine=machine, versions=versions, ratios={}, figures=figures)


if __name__ == "__main__":
    main()
