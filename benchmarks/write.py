"""`make bench-write`: compare WriteBatch's code with a bare HTTP client that sends the same bodies.

Both send directly to the engine of the local InfluxDB over the same number of connections, alternating, each time into
an empty database. The clock stops when a count query returns all points. `measure` runs one way once, `compare_ways`
runs both in many rounds; `main` prints a table and writes benchmarks/results/write.json.
"""

import gzip
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

from benchmarks.record import describe_machine, package_versions, save_result
from functions.write_batch.delivery import WRITERS, Delivery
from functions.write_batch.progress import Progress
from functions.write_batch.sending import Deadline, Sender
from functions.write_batch.staged import StagedBatch
from functions.write_batch.stored_progress import empty_outcome
from local.influxdb.engine import Engine
from local.influxdb.engine_client import EngineClient
from shared.events import ChunkRef
from shared.influx import Influx
from shared.outages import NO_OUTAGE
from shared.settings import InfluxSettings

SERIES = (200, 20_000)
BATCH_LINES = 5_000
BATCHES = 20
POINTS = BATCH_LINES * BATCHES
ROUNDS = 31
"""Many short rounds: background work of the engine moves a single ratio by 10 %, but their median by only 2 %."""

PACKAGES = ("influxdb-client", "urllib3")
START_NS, HOUR_NS = 1_704_067_200_000_000_000, 3_600_000_000_000


@dataclass(frozen=True)
class Run:
    """One run of one way of writing. `cpu_s_per_million` is the client's processor time for a million points."""

    points_per_s: float
    cpu_s_per_million: float


def bodies(series: int) -> list[bytes]:
    """Return gzip members of `BATCH_LINES` lines each. Every hour holds one point of each series."""
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
    """Write with the functions that WriteBatch calls.

    The engine has only InfluxDB 1's `/write`. The client appends `/api/v2/write?org=…` to this URL, so the URL ends
    with a parameter that the engine ignores.
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
        outage=NO_OUTAGE,
    )
    Delivery(ref, sender, Progress(empty_outcome(ref), {})).write(batches)


def bare(port: int, database: str, members: Sequence[bytes]) -> None:
    """Write with Python's own HTTP client over the same number of keep-alive connections."""
    remaining = iter(members)
    lock = Lock()

    def write() -> None:
        with closing(HTTPConnection("127.0.0.1", port)) as connection:
            while member := _next(remaining, lock):
                connection.request("POST", f"/write?db={database}&precision=n", member, {"Content-Encoding": "gzip"})
                reply = connection.getresponse()
                assert (reply.status, reply.read()) == (204, b"")  # noqa: S101 - without it the figures mean nothing

    with ThreadPoolExecutor(WRITERS) as writers:
        for writer in [writers.submit(write) for _ in range(WRITERS)]:
            writer.result()


def _next(members: Iterator[bytes], lock: Lock) -> bytes | None:
    with lock:
        return next(members, None)


WAYS: dict[str, Callable[[int, str, Sequence[bytes]], None]] = {"ours": ours, "bare": bare}


def measure(engine: Engine, way: str, members: Sequence[bytes]) -> Run:
    """Measure from the first request until a query counts all points, in an empty database."""
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


def compare_ways(engine: Engine, series: int) -> dict[str, float]:
    """Return medians of `ROUNDS` rounds.

    `ratio` is the median of the ratios within each round, because the machine's speed changes between rounds.
    """
    members = bodies(series)
    rounds = [
        {way: measure(engine, way, members) for way in (WAYS if number % 2 else reversed(WAYS))}
        for number in range(ROUNDS)
    ]
    return {
        "ours_points_per_s": round(median(round_["ours"].points_per_s for round_ in rounds)),
        "bare_points_per_s": round(median(round_["bare"].points_per_s for round_ in rounds)),
        "ratio": round(median(round_["ours"].points_per_s / round_["bare"].points_per_s for round_ in rounds), 3),
        "cpu_s_per_million": round(median(round_["ours"].cpu_s_per_million for round_ in rounds), 3),
    }


def main() -> None:
    """Measure with few and with many series on one engine."""
    machine = describe_machine()
    print(f"{POINTS} points, {BATCH_LINES} per batch, {WRITERS} connections, medians of {ROUNDS} alternating rounds")
    with TemporaryDirectory(prefix="influxdb-loader-") as folder:
        engine = Engine(Path(folder))
        engine.start()
        try:
            results = {f"series_{series}": compare_ways(engine, series) for series in SERIES}
        finally:
            engine.stop()
    for name, result in results.items():
        print(name, *(f"{key} {value:,}" for key, value in result.items()), sep="  ")
    ratios = {f"{name}: speed of a bare HTTP client": result["ratio"] for name, result in results.items()}
    versions = package_versions(PACKAGES) | {"influxd": "1.6.7"}
    save_result("write", seed=0, machine=machine, versions=versions, ratios=ratios, figures=results)


if __name__ == "__main__":
    main()
