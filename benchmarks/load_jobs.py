"""Runs of `make bench-load`: their files, each in a time range of its own, and the count that stops the clock."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import requests

from benchmarks.convert_shapes import tag_column
from local.cloud import LocalCloud
from shared.datasets import DATASETS

SEED = 20240101
GENERATION = DATASETS["generation"]
SERIES = 200
FIRST_HOUR, HOUR_NS = 175_320, 3_600_000_000_000
"""Hours from 1970 to the first run's data, 1990-01-01; later runs follow it."""

TIMEOUT_S = 1_800

RUNNING_POLL_S, RUNNING_POLL_SHARE = 0.05, 0.02
"""The pause between two questions whether a load is running: 0.05 s, or 2% of the time so far if that is longer.

An answer takes a few milliseconds of processor time, which is taken from the load. So a load seems to take 1% longer
on average, since it is not known at once that it has ended.
"""


class Size(NamedTuple):
    """A row of the table: `files` files of `rows` rows each, measured `rounds` times."""

    name: str
    files: int
    rows: int
    rounds: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run's files and the time range [start_ns, end_ns) of their points."""

    number: int
    files: list[Path]
    points: int
    start_ns: int
    end_ns: int


@dataclass
class Bench:
    """The servers, the deployment, and the numbers that keep runs apart."""

    cloud: LocalCloud
    outputs: dict[str, str]
    folder: Path
    stepfunctions: Any
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _next_hour: int = FIRST_HOUR

    def job(self, size: Size) -> Job:
        """Write the Parquet files of one run, outside the measured time."""
        number, start_hour = next(self._numbers), self._next_hour
        folder = self.folder / f"run-{number}"
        folder.mkdir()
        hours = -(-size.rows // SERIES)
        self._next_hour += size.files * hours
        files = [folder / f"{file}.parquet" for file in range(size.files)]
        for file, path in enumerate(files):
            pq.write_table(make_table(size.rows, start_hour + file * hours), path)
        return Job(
            number=number,
            files=files,
            points=size.files * size.rows,
            start_ns=start_hour * HOUR_NS,
            end_ns=self._next_hour * HOUR_NS,
        )

    def stored(self, job: Job) -> int:
        """Return how many of the job's points a query finds."""
        influx, span = self.cloud.influx, f"time >= {job.start_ns} AND time < {job.end_ns}"
        query = f'SELECT count("power_mw") FROM "{GENERATION.measurement}" WHERE {span}'  # noqa: S608 - our own names
        reply = requests.get(
            f"{influx.url}/query",
            params={"db": influx.bucket, "q": query},
            headers={"Authorization": f"Token {influx.token}"},
            timeout=TIMEOUT_S,
        )
        reply.raise_for_status()
        series = reply.json()["results"][0].get("series")
        return int(series[0]["values"][0][1]) if series else 0

    def wait_until_stored(self, job: Job) -> None:
        """Poll until every point is counted. A query costs the server time, so pauses grow with what it took.

        No contestant is slowed down by queries while it writes: the first one comes after its last write, which for the
        loader is the end of its executions.
        """
        began = time.monotonic()
        while True:
            while count_running(self):
                time.sleep(max(RUNNING_POLL_S, RUNNING_POLL_SHARE * (time.monotonic() - began)))
            started = time.monotonic()
            if self.stored(job) == job.points:
                return
            if started > began + TIMEOUT_S:
                raise TimeoutError(f"run {job.number} did not store its {job.points:,} points in {TIMEOUT_S} s")
            time.sleep(max(0.05, 4 * (time.monotonic() - started)))


def make_table(rows: int, start_hour: int) -> pa.Table:
    """Return hourly values of 200 plants, with two or three decimals, from `start_hour` (hours since 1970) on."""
    random = np.random.default_rng((SEED, start_hour))
    number = np.arange(rows)
    plant = number % SERIES
    columns = {
        "timestamp": pa.array((start_hour + number // SERIES) * 3_600_000_000, pa.timestamp("us", "UTC")),
        "region": tag_column(plant % 4, ["N", "NE", "S", "SE"]).cast(pa.string()),
        "energy_source": tag_column(plant % 5, ["hydro", "nuclear", "solar", "thermal", "wind"]).cast(pa.string()),
        "measurement_type": tag_column(plant % 1, ["verified"]).cast(pa.string()),
        "quality_flag": tag_column(plant % 2, ["measured", "estimated"]).cast(pa.string()),
        "plant_name": tag_column(plant, [f"Usina {name:03}" for name in range(SERIES)]).cast(pa.string()),
        "power_mw": pa.array(np.round(random.gamma(2.0, 120.0, rows), 2)),
        "capacity_factor": pa.array(np.round(random.beta(2.0, 3.0, rows), 3)),
        "efficiency": pa.array(np.round(random.beta(8.0, 2.0, rows), 3)),
    }
    return pa.table(columns)


def count_running(bench: Bench) -> int:
    """Count the loads that are running."""
    machine = bench.outputs["StateMachineArn"]
    return len(bench.stepfunctions.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"])


def wait_until_idle(bench: Bench) -> None:
    """Wait until no execution runs: a load reports and settles after its points are stored. Raises on a failed one."""
    client, machine = bench.stepfunctions, bench.outputs["StateMachineArn"]
    while count_running(bench):
        time.sleep(0.2)
    if failed := client.list_executions(stateMachineArn=machine, statusFilter="FAILED")["executions"]:
        cause = client.describe_execution(executionArn=failed[0]["executionArn"]).get("cause", "")
        raise RuntimeError(f"{len(failed)} executions failed, such as: {cause}")
