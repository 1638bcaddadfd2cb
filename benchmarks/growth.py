"""`make bench-growth`: measure work whose time must grow with the amount of data, and not with its square.

It measures the processor time for a small amount and for ten times as much: the conversion of a file in which each row
is another series, and the coverage of a dataset of irregular days. A ratio divides the time per row, or per load, of
the small amount by that of the large one: 1 is linear, and 0.1 a square. `main` writes benchmarks/results/growth.json.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.convert_shapes import SEED, record_batch
from benchmarks.convert_whole import Whole
from benchmarks.record import describe_machine, package_versions, save_result
from cli.coverage import measure_coverage
from infra_cdk.allocators import RETURN_MEMORY
from shared.ledger import LedgerItem

ROUNDS, FACTOR = 3, 10
SERIES, LOADS = 100_000, 200


def convert_distinct_series(rows: int) -> Whole:
    """Convert a file with as many series as rows, in its own process."""
    batch = record_batch("dec", rows)
    column = batch.schema.get_field_index("plant_name")
    table = pa.table(batch.set_column(column, "plant_name", pa.array(range(rows)).cast(pa.string())))
    with TemporaryDirectory() as folder:
        pq.write_table(table, Path(folder, "series.parquet"))
        command = [sys.executable, "-m", "benchmarks.convert_whole", f"{folder}/series.parquet"]
        whole: Whole = json.loads(subprocess.check_output(command, env=os.environ | RETURN_MEMORY))
    return whole


def coverage_s(loads: int) -> float:
    """Return the processor time to measure the coverage of so many files, in which each day of a month differs."""
    days = [[f"2024-01-{day:02}", 1, 24_000 + day, 1000, day, 1] for day in range(1, 32)]
    items = [_item(number, json.dumps(days)) for number in range(loads)]
    started = process_time()
    measure_coverage(items)
    return process_time() - started


def _item(number: int, calendar: str) -> LedgerItem:
    content = {"object": f"s3://b/{number}", "version": "v", "status": "loaded", "dataset": "generation"}
    return cast("LedgerItem", {**content, "calendar": calendar, "last_modified": 0, "sequencer": ""})


def measure(seconds: Callable[[int], float], amount: int) -> dict[str, float]:
    """Return the medians for both amounts."""
    small, large = (median(seconds(size) for _ in range(ROUNDS)) for size in (amount, amount * FACTOR))
    return {"amount": amount * FACTOR, "seconds": large, "ratio": small * FACTOR / large}


def main() -> None:
    """Print the figures, and write the result."""
    machine = describe_machine()
    wholes: list[Whole] = []

    def conversion_s(rows: int) -> float:
        wholes.append(convert_distinct_series(rows))
        return wholes[-1]["seconds"]

    figures: dict[str, Any] = {"series": measure(conversion_s, SERIES), "coverage": measure(coverage_s, LOADS)}
    figures["series"]["peak_mib"] = max(whole["peak_mib"] for whole in wholes)
    print(json.dumps(figures, indent=2))
    ratios = {f"{name}: growth": figure.pop("ratio") for name, figure in figures.items()}
    versions = package_versions(("pyarrow", "numpy"))
    save_result("growth", seed=SEED, machine=machine, versions=versions, ratios=ratios, figures=figures)


if __name__ == "__main__":
    main()
