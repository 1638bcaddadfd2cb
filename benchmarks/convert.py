"""How fast records become line protocol: the functions that ConvertAndChunk calls beside their peers, on one core.

All contestants convert the same record batches in turns, round after round; the table shows medians of processor time,
to which the other processes of a busy machine add little. Two peers write lines that InfluxDB refuses or takes for
something else (influxdb-client's DataFrame serializer: unescaped tags; QuestDB's Buffer: NaN): they are here for their
speed. The C++ program gets its tag sets rendered. Prints tables and writes benchmarks/results/convert.json.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

CORE = min(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORE})
os.environ["POLARS_MAX_THREADS"] = "1"

import pyarrow as pa  # noqa: E402 -- these read how many cores there are

from benchmarks.convert_limit import compiler, cpp_limit  # noqa: E402
from benchmarks.convert_peers import dataframe_serializer, naive, ours, polars, questdb  # noqa: E402
from benchmarks.convert_shapes import SEED, SHAPES, Shape, record_batch  # noqa: E402
from benchmarks.convert_whole import Whole, write_file  # noqa: E402

ROUNDS = 11
BATCHES, BATCH_ROWS = 16, 65_536
SLOW_ROWS = 4_096
"""The peers that go row by row get fewer rows: they would take minutes."""

WHOLE_ROUNDS = 3
WHOLE_ROWS = {"1m": 1_000_000, "10m": 10_000_000}
PACKAGES = ("pyarrow", "numpy", "orjson", "isal", "influxdb-client", "pandas", "polars", "questdb")
RESULT = Path(__file__).parent / "results" / "convert.json"

Timed = Callable[[], float]
"""Convert once; the answer is nanoseconds of processor time per row."""


def main() -> None:
    """Measure, print, write the result."""
    pa.set_cpu_count(1)
    result: dict[str, Any] = {"command": "make bench-convert", "seed": SEED} | _machine()
    print(json.dumps(result, indent=2))
    with TemporaryDirectory() as folder:
        for shape in SHAPES:
            result[shape] = {"ns_per_row": converted(shape, Path(folder))}
            _print_shape(shape, result[shape]["ns_per_row"])
        result["whole"] = {shape: whole(shape, Path(folder)) for shape in SHAPES}
    for shape, figures in result["whole"].items():
        print(f"\nwhole function, {shape}: " + ", ".join(f"{name} {value:,.0f}" for name, value in figures.items()))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def converted(shape: Shape, folder: Path) -> dict[str, float | None]:
    """Contestant → nanoseconds per row; the limit is None without a C++ compiler."""
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
    found = {
        "ours": _timed(ours(batches), BATCHES * BATCH_ROWS),
        "polars": _timed(polars(batches), BATCHES * BATCH_ROWS),
        "questdb": _timed(questdb(batches), BATCHES * BATCH_ROWS),
        "influxdb_client_dataframe": _timed(dataframe_serializer(few), SLOW_ROWS),
        "naive": _timed(naive(few), SLOW_ROWS),
    }
    if not compiler():
        print("no g++: the C++ limit is left out")
        yield found
        return
    with cpp_limit(batches, folder) as run:
        yield found | {"cpp_limit": lambda: run() / (BATCHES * BATCH_ROWS) * 1e9}


def _timed(convert: Callable[[], int], rows: int) -> Timed:
    def run() -> float:
        started = process_time()
        convert()
        return (process_time() - started) / rows * 1e9

    return run


def whole(shape: Shape, folder: Path) -> dict[str, float]:
    """From the file to staged chunks, each time in a process of its own. The speed is that of the larger file."""
    runs: dict[str, list[Whole]] = {}
    for name, rows in WHOLE_ROWS.items():
        write_file(folder / name, shape, rows)
        command = [sys.executable, "-m", "benchmarks.convert_whole", str(folder / name)]
        runs[name] = [json.loads(subprocess.check_output(command)) for _ in range(WHOLE_ROUNDS)]
    peaks = {f"peak_mib_{name}": max(run["peak_mib"] for run in found) for name, found in runs.items()}
    return {"rows_per_s": median(run["rows"] / run["seconds"] for run in runs["10m"])} | peaks


def _machine() -> dict[str, Any]:
    names = [line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line]
    return {
        "machine": {
            "processor": names[0].split(":")[1].strip() if names else platform.processor(),
            "processors": os.cpu_count(),
            "system": platform.platform(),
            "load_before": os.getloadavg()[0],
        },
        "versions": {
            "python": platform.python_version(),
            "g++": compiler(),
            **{package: version(package) for package in PACKAGES},
        },
    }


def _print_shape(shape: Shape, ns_per_row: dict[str, float | None]) -> None:
    mine = ns_per_row["ours"]
    print(f"\n{shape:28}{'ns/row':>10}{'of ours':>10}")
    for name, ns in sorted(ns_per_row.items(), key=lambda each: each[1] or 0.0):
        if ns and mine:
            print(f"{name:28}{ns:>10.1f}{ns / mine:>10.2f}")


if __name__ == "__main__":
    main()
