"""`make bench-convert`: compare how fast this loader and other libraries convert rows to line protocol, on one core.

All contestants convert the same record batches, alternating round after round. The tables show the median processor
time, which other processes on a busy machine affect little. InfluxDB misreads some lines of influxdb-client's DataFrame
serializer, which does not escape tags: it is included for its speed only. The C++ program, the upper bound, receives
its tag sets already rendered.

`ns_per_row` measures the contestants on record batches; `measure_whole` runs the whole conversion of a file in its own
process, for speed and peak memory. `main` prints tables and writes benchmarks/results/convert.json.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

CORE = min(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORE})
os.environ["POLARS_MAX_THREADS"] = "1"

import pyarrow as pa  # noqa: E402 -- these libraries read the number of cores when imported

from benchmarks.convert_limit import compiler, cpp_limit  # noqa: E402
from benchmarks.convert_peers import dataframe_serializer, naive, ours, polars, questdb  # noqa: E402
from benchmarks.convert_shapes import SEED, SHAPES, Shape, record_batch  # noqa: E402
from benchmarks.convert_whole import Whole, write_file  # noqa: E402
from benchmarks.record import describe_machine, package_versions, save_result  # noqa: E402
from infra_cdk.allocators import RETURN_MEMORY  # noqa: E402

ROUNDS = 11
BATCHES, BATCH_ROWS = 16, 65_536
SLOW_ROWS = 4_096
"""Contestants that convert row by row get fewer rows, because they would take minutes."""

WHOLE_ROUNDS = 3
WHOLE_ROWS = {"1m": 1_000_000, "10m": 10_000_000}
PACKAGES = ("pyarrow", "numpy", "orjson", "isal", "influxdb-client", "pandas", "polars", "questdb")

Timed = Callable[[], float]
"""A function that converts once and returns nanoseconds of processor time per row."""


def main() -> None:
    """Measure, print the tables and write the result."""
    pa.set_cpu_count(1)
    machine = describe_machine()
    versions = package_versions(PACKAGES) | {"g++": compiler() or "none"}
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        for shape in SHAPES:
            figures[shape] = {"ns_per_row": ns_per_row(shape, Path(folder))}
            _print_shape(shape, figures[shape]["ns_per_row"])
        figures["whole"] = {shape: measure_whole(shape, Path(folder)) for shape in SHAPES}
    for shape, whole in figures["whole"].items():
        values = ", ".join(f"{name} {value:,.0f}" for name, value in whole.items())
        print(f"\nwhole conversion of a file, {shape}: {values}")
    ratios = {name: value for shape in SHAPES for name, value in _ratios(shape, figures[shape]["ns_per_row"])}
    save_result("convert", seed=SEED, machine=machine, versions=versions, ratios=ratios, figures=figures)


def _ratios(shape: Shape, medians: dict[str, float | None]) -> Iterator[tuple[str, float]]:
    """Yield the speed relative to the C++ program, to the fastest other library, and to a loop over rows."""
    times = {name: ns for name, ns in medians.items() if ns}
    ours_ns = times["ours"]
    if "cpp_limit" in times:
        yield f"{shape}: speed of the C++ program", times["cpp_limit"] / ours_ns
    yield f"{shape}: speed-up over the fastest library", min(times["polars"], times["questdb"]) / ours_ns
    yield f"{shape}: speed-up over a loop over rows", times["naive"] / ours_ns


def ns_per_row(shape: Shape, folder: Path) -> dict[str, float | None]:
    """Return the median nanoseconds per row of each contestant. `cpp_limit` is None without a C++ compiler."""
    with _contestants(shape, folder) as contestants:
        for run in contestants.values():
            run()
        rounds = [{name: run() for name, run in contestants.items()} for _ in range(ROUNDS)]
    medians = {name: round(median(times[name] for times in rounds), 1) for name in contestants}
    return {"cpp_limit": None, **medians}


@contextmanager
def _contestants(shape: Shape, folder: Path) -> Iterator[dict[str, Timed]]:
    batches = [record_batch(shape, BATCH_ROWS, first_row=number * BATCH_ROWS) for number in range(BATCHES)]
    few = [record_batch(shape, SLOW_ROWS)]
    contestants = {
        "ours": _timed(ours(batches), BATCHES * BATCH_ROWS),
        "polars": _timed(polars(batches), BATCHES * BATCH_ROWS),
        "questdb": _timed(questdb(batches), BATCHES * BATCH_ROWS),
        "influxdb_client_dataframe": _timed(dataframe_serializer(few), SLOW_ROWS),
        "naive": _timed(naive(few), SLOW_ROWS),
    }
    if not compiler():
        print("g++ is not installed: the table has no row cpp_limit")
        yield contestants
        return
    with cpp_limit(batches, folder) as run:
        yield contestants | {"cpp_limit": lambda: run() / (BATCHES * BATCH_ROWS) * 1e9}


def _timed(convert: Callable[[], int], rows: int) -> Timed:
    def run() -> float:
        started = process_time()
        convert()
        return (process_time() - started) / rows * 1e9

    return run


def measure_whole(shape: Shape, folder: Path) -> dict[str, float]:
    """Measure the conversion from a Parquet file to staged chunks, each time in a fresh process.

    Returns:
        `rows_per_s` of the larger file, and for each file its peak memory in MiB and how much of it is mapped files.
    """
    runs: dict[str, list[Whole]] = {}
    for name, rows in WHOLE_ROWS.items():
        write_file(folder / name, shape, rows)
        command = [sys.executable, "-m", "benchmarks.convert_whole", str(folder / name)]
        environment = os.environ | RETURN_MEMORY
        runs[name] = [json.loads(subprocess.check_output(command, env=environment)) for _ in range(WHOLE_ROUNDS)]
    memory: dict[str, float] = {}
    for name, repeats in runs.items():
        highest = max(repeats, key=lambda run: run["peak_mib"])
        memory |= {f"peak_mib_{name}": highest["peak_mib"], f"mapped_mib_{name}": highest["mapped_mib"]}
    return {"rows_per_s": median(run["rows"] / run["seconds"] for run in runs["10m"])} | memory


def _print_shape(shape: Shape, medians: dict[str, float | None]) -> None:
    ours_ns = medians["ours"]
    print(f"\n{shape:28}{'ns/row':>10}{'vs. ours':>10}")
    for name, ns in sorted(medians.items(), key=lambda item: item[1] or 0.0):
        if ns and ours_ns:
            print(f"{name:28}{ns:>10.1f}{ns / ours_ns:>10.2f}")


if __name__ == "__main__":
    main()
