"""`make bench-load`: seconds from a Parquet file to points that a query returns, for this loader and its alternatives.

The contestants take turns on the same local servers, or on the InfluxDB that INFLUXDB_URL names:

- `loader cold`, `loader warm`: the file is put into the bucket of the deployed app. Cold means that no function has run
  since its configuration changed, so that each starts a new process.
- `client`: influxdb-client with a DataFrame, as its documentation shows it: synchronous, gzip, 50,000 rows a call.
- `bodies`: the loader's own request bodies, made before the clock starts, sent by a bare HTTP client over two kept
  connections. Nothing that renders line protocol can be faster, so it is the limit.

Every run writes a time range of its own, so that each of its points is new to the database. The clock stops when a
count query over that range returns all points. The result also says how the last load of each kind divides by state.

`python -m benchmarks.load NAME` measures only the size with this name, and keeps the other figures of the last result.
"""

import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import requests

from benchmarks.load_contestants import CONTESTANTS, load_warm
from benchmarks.load_jobs import SEED, Bench, Size, wait_until_idle
from benchmarks.load_states import divide
from benchmarks.processes import cpu_seconds
from benchmarks.record import RESULTS, describe_machine, package_versions, save_result
from local.cloud import local_cloud

PACKAGES = ("influxdb-client", "pandas", "pyarrow", "boto3")
SIZES = (
    Size("1,000 rows", 1, 1_000, 5),
    Size("100,000 rows", 1, 100_000, 5),
    Size("1,000,000 rows", 1, 1_000_000, 5),
    Size("1,000 files of 1,000 rows", 1_000, 1_000, 1),
)


class Measurement(NamedTuple):
    """The seconds of each contestant, one for each round, and the seconds of the loader's last loads by state."""

    seconds: dict[str, list[float]]
    states: dict[str, dict[str, float]]


def measure(bench: Bench, size: Size) -> Measurement:
    """Measure all contestants; their order alternates from round to round.

    The loader runs cold before it runs warm, and a round begins once the loads of the one before have ended.
    """
    seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    states: dict[str, dict[str, float]] = {}
    if size.files == 1:
        load_warm(bench, bench.job(size))  # the first measured round must not differ from the others
        wait_until_idle(bench)
    for number in range(size.rounds):
        names = list(CONTESTANTS)
        for name in names if number % 2 == 0 else [*names[2:], *names[:2]]:
            if name == "loader cold" and size.files > 1:
                continue
            seconds[name].append(CONTESTANTS[name](bench, bench.job(size)))
            ended_at = time.time()
            wait_until_idle(bench)
            if size.files == 1 and name.startswith("loader"):
                states[name] = divide(bench, ended_at - seconds[name][-1], ended_at)
            print(f"{size.name:28}{name:14}{seconds[name][-1]:8.2f} s", flush=True)
    return Measurement({name: times for name, times in seconds.items() if times}, states)


def ratios(size: Size, seconds: dict[str, list[float]]) -> dict[str, float]:
    """Return the medians of the rounds' ratios; higher is better in each."""
    of_warm = {
        "speed of ready-made bodies": "bodies",
        "speed-up over influxdb-client": "client",
        "cold start (warm / cold)": "loader cold",
    }
    result = {}
    for name, other in of_warm.items():
        if other in seconds:
            pairs = zip(seconds[other], seconds["loader warm"], strict=True)
            values = [warm / time_s if other == "loader cold" else time_s / warm for time_s, warm in pairs]
            result[f"{size.name}: {name}"] = median(values)
    return result


def main() -> None:
    """Measure every size, print the table, and write benchmarks/results/load.json."""
    machine = describe_machine()
    names = sys.argv[1:]
    last = json.loads((RESULTS / "load.json").read_text(encoding="utf-8")) if names else {}
    results: dict[str, float] = last.get("ratios", {})
    figures: dict[str, Any] = last.get("figures", {})
    with TemporaryDirectory(prefix="loader-bench-") as folder, ExitStack() as running:
        cloud = running.enter_context(local_cloud())
        bench = Bench(cloud, cloud.deploy(), Path(folder), cloud.client("stepfunctions"))
        server = requests.get(f"{cloud.influx.url}/ping", timeout=10).headers.get("X-Influxdb-Version", "unknown")
        for size in (size for size in SIZES if not names or size.name in names):
            before = cpu_seconds()
            seconds, states = measure(bench, size)
            results |= ratios(size, seconds)
            medians = {name: round(median(times), 2) for name, times in seconds.items()}
            cpu = {name: round(value - before.get(name, 0.0), 1) for name, value in cpu_seconds().items()}
            runs = {name: len(times) for name, times in seconds.items()}
            figures[size.name] = {"seconds": medians, "runs": runs, "states": states, "cpu_s": cpu}
    versions = package_versions(PACKAGES) | {"influxdb": server}
    path = save_result("load", seed=SEED, machine=machine, versions=versions, ratios=results, figures=figures)
    print(json.dumps({"ratios": results, "figures": figures}, indent=2), path, sep="\n")


if __name__ == "__main__":
    main()
