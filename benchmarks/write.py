"""How fast WriteBatch's own code feeds an engine, beside a bare HTTP client with the same bodies and connections.

Both send straight to the engine of the local InfluxDB, in turns, each time into an empty database; the clock stops when
a count query agrees. Prints a table and writes benchmarks/results/write.json.
"""

import gzip
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Lock

from functions.write_batch.delivery import WRITERS, Delivery
from functions.write_batch.progress import Progress, untouched
from functions.write_batch.sending import Deadline, Sender
from functions.write_batch.staged import StagedBatch
from local.influxdb.engine import Engine
from local.influxdb.engine_client import EngineClient
from shared.events import ChunkRef
from shared.influx import Influx
from shared.settings import InfluxSettings

SERIES = (200, 20_000)
BATCH_LINES = 5_000
BATCHES = 20
POINTS = BATCH_LINES * BATCHES
ROUNDS = 31
"""Many short ones: the engine's work in the background moves one ratio by a tenth, their median by a fiftieth."""

RESULT = Path(__file__).parent / "results" / "write.json"
START_NS, HOUR_NS = 1_704_067_200_000_000_000, 3_600_000_000_000


@dataclass(frozen=True)
class Run:
    """One way of writing, once. `cpu_s_per_million`: the client's, for a million points."""

    points_per_s: float
    cpu_s_per_million: float


def bodies(series: int) -> list[bytes]:
    """Gzip members of `BATCH_LINES` lines; each hour holds one point of every series."""
    tags = [
        f"generation_data,plant_name=Usina\\ {number:05},quality_flag=measured,region=N" for number in range(series)
    ]
    lines = (
        f"{tags[row % series]} power_mw={row % 977}.25,efficiency=0.{row % 89} {START_NS + row // series * HOUR_NS}\n"
        for row in range(POINTS)
    )
    texts = ("".join(islice(lines, BATCH_LINES)) for _ in range(BATCHES))
    return [gzip.compress(text.encode(), 1, mtime=0) for text in texts]


def ours(port: int, database: str, members: Sequence[bytes]) -> None:
    """The functions that WriteBatch calls.

    The engine knows InfluxDB 1's `/write` only. What the client appends to this URL, `/api/v2/write?org=…`, lands in a
    parameter that the engine does not read.
    """
    url = f"http://127.0.0.1:{port}/write?db={database}&precision=n&appended="
    settings = InfluxSettings(url=url, org="o", bucket="b", token="t", token_secret_name="", ca_bundle="")  # noqa: S106
    sender = Sender(Influx(settings, connections=WRITERS), "b", 0, Deadline(lambda: 300_000))
    batches = [StagedBatch(number, memoryview(member), BATCH_LINES, []) for number, member in enumerate(members)]
    ref = ChunkRef(
        load_id="",
        bucket="",
        key="",
        execution="",
        dataset="",
        chunk="",
        sha256="",
        points=POINTS,
        next_batch=0,
        waits=0,
    )
    Delivery(ref, sender, Progress(untouched(ref), {})).write(batches)


def bare(port: int, database: str, members: Sequence[bytes]) -> None:
    """Python's own HTTP client on as many kept connections."""
    waiting = iter(members)
    lock = Lock()

    def write() -> None:
        with closing(HTTPConnection("127.0.0.1", port)) as connection:
            while member := _next(waiting, lock):
                connection.request("POST", f"/write?db={database}&precision=n", member, {"Content-Encoding": "gzip"})
                answer = connection.getresponse()
                assert (answer.status, answer.read()) == (204, b"")  # noqa: S101 - else nothing is measured

    with ThreadPoolExecutor(WRITERS) as writers:
        for writer in [writers.submit(write) for _ in range(WRITERS)]:
            writer.result()


def _next(members: Iterator[bytes], lock: Lock) -> bytes | None:
    with lock:
        return next(members, None)


WAYS: dict[str, Callable[[int, str, Sequence[bytes]], None]] = {"ours": ours, "bare": bare}


def measured(engine: Engine, way: str, members: Sequence[bytes]) -> Run:
    """From the first request until all points are counted, in an empty database."""
    engine.create_bucket(way)
    with closing(EngineClient(engine.port)) as client:
        cpu, started = time.process_time(), time.perf_counter()
        WAYS[way](engine.port, way, members)
        cpu = time.process_time() - cpu
        while _count(client, way) < POINTS:
            time.sleep(0.01)
        seconds = time.perf_counter() - started
        client.query(f'DROP DATABASE "{way}"')
    return Run(POINTS / seconds, cpu / POINTS * 1e6)


def _count(client: EngineClient, database: str) -> int:
    series = client.query("SELECT count(power_mw) FROM generation_data", database=database)
    return int(series[0]["values"][0][1]) if series else 0


def compared(engine: Engine, series: int) -> dict[str, float]:
    """Medians of `ROUNDS`; the ratio is the median of the rounds' ratios, since the machine changes between rounds."""
    members = bodies(series)
    rounds = [
        {way: measured(engine, way, members) for way in (WAYS if number % 2 else reversed(WAYS))}
        for number in range(ROUNDS)
    ]
    return {
        "ours_points_per_s": round(median(each["ours"].points_per_s for each in rounds)),
        "bare_points_per_s": round(median(each["bare"].points_per_s for each in rounds)),
        "ratio": round(median(each["ours"].points_per_s / each["bare"].points_per_s for each in rounds), 3),
        "cpu_s_per_million": round(median(each["ours"].cpu_s_per_million for each in rounds), 3),
    }


def main() -> None:
    """Measure both numbers of series on one engine."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}; engine influxd 1.6.7"
    )
    print(f"{POINTS} points, {BATCH_LINES} a batch, {WRITERS} connections, medians of {ROUNDS} interleaved rounds")
    with TemporaryDirectory(prefix="influxdb-loader-") as folder:
        engine = Engine(Path(folder))
        engine.start()
        try:
            results = {f"series_{series}": compared(engine, series) for series in SERIES}
        finally:
            engine.stop()
    for name, result in results.items():
        print(name, *(f"{key} {value:,}" for key, value in result.items()), sep="  ")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
