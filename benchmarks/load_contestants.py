"""The contestants of `make bench-load`: each writes a job's files and returns the seconds until a query counts them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from io import BytesIO
from pathlib import Path
from threading import Lock
from urllib.parse import urlencode, urlsplit

import pandas as pd
import pyarrow.parquet as pq
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

from benchmarks.load_jobs import GENERATION, Bench, Job, count_running
from functions.convert_and_chunk.chunks import batches
from functions.convert_and_chunk.part import bodies, read_records
from functions.convert_and_chunk.row_groups import PartReader
from functions.validate_schema.footer import row_group_rows
from functions.validate_schema.parts import plan_parts
from local.aws.emulator import limits_of_this_machine
from shared.settings import conversion_settings

TAGS = ["region", "energy_source", "measurement_type", "quality_flag", "plant_name"]
BATCH_LINES = 5_000
CLIENT_ROWS = 50_000
CONNECTIONS = 2
"""The connections over which ready-made bodies are sent. Four or eight are no faster."""

FILES_IN_FLIGHT = limits_of_this_machine().functions
"""Executions that run at once: as many as the local cloud runs functions. More of them are throttled, and wait."""


def load_cold(bench: Bench, job: Job) -> float:
    """Load with functions that start new processes."""
    _restart_functions(bench, job.number)
    return load_warm(bench, job)


def load_warm(bench: Bench, job: Job) -> float:
    """Put the files and wait. Of many files, only FILES_IN_FLIGHT are being loaded at once."""
    s3, bucket = bench.cloud.client("s3"), bench.outputs["SourceBucketName"]
    started = time.perf_counter()
    for put, file in enumerate(job.files):
        while put >= FILES_IN_FLIGHT and count_running(bench) >= FILES_IN_FLIGHT:
            time.sleep(0.1)
        s3.upload_file(str(file), bucket, f"dataset=generation/run={job.number}/{file.name}")
    bench.wait_until_stored(job)
    return time.perf_counter() - started


def _restart_functions(bench: Bench, number: int) -> None:
    """Change each function's environment: Lambda starts a new process for a new configuration."""
    client = bench.cloud.client("lambda")
    for function in client.list_functions()["Functions"]:
        if function["Handler"].startswith("functions."):
            variables = function["Environment"]["Variables"] | {"BENCHMARK_RUN": str(number)}
            client.update_function_configuration(
                FunctionName=function["FunctionName"], Environment={"Variables": variables}
            )


def write_with_client(bench: Bench, job: Job) -> float:
    """Read each file with pandas and write it with influxdb-client, as its documentation shows for DataFrames."""
    influx = bench.cloud.influx
    started = time.perf_counter()
    with InfluxDBClient(influx.url, influx.token, org=influx.org, enable_gzip=True, timeout=120_000) as client:
        write_api = client.write_api(write_options=SYNCHRONOUS)
        for file in job.files:
            frame = pd.read_parquet(file).set_index("timestamp")
            for first in range(0, len(frame), CLIENT_ROWS):
                write_api.write(
                    influx.bucket,
                    record=frame.iloc[first : first + CLIENT_ROWS],
                    data_frame_measurement_name=GENERATION.measurement,
                    data_frame_tag_columns=TAGS,
                )
    bench.wait_until_stored(job)
    return time.perf_counter() - started


def send_bodies(bench: Bench, job: Job) -> float:
    """Send ready-made bodies over CONNECTIONS kept connections."""
    members = [member for file in job.files for member in make_bodies(file)]
    waiting, lock, influx = iter(members), Lock(), bench.cloud.influx
    url = urlsplit(influx.url)
    path = "/api/v2/write?" + urlencode({"org": influx.org, "bucket": influx.bucket, "precision": "ns"})
    headers = {"Authorization": f"Token {influx.token}", "Content-Encoding": "gzip"}
    connect = HTTPSConnection if url.scheme == "https" else HTTPConnection

    def take() -> bytes | None:
        with lock:
            return next(waiting, None)

    def send() -> None:
        with closing(connect(str(url.hostname), url.port)) as connection:
            while member := take():
                connection.request("POST", path, member, headers)
                reply = connection.getresponse()
                if (reply.status, reply.read()) != (204, b""):
                    raise RuntimeError(f"a write was answered with {reply.status}")

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as senders:
        for sender in [senders.submit(send) for _ in range(CONNECTIONS)]:
            sender.result()
    bench.wait_until_stored(job)
    return time.perf_counter() - started


def make_bodies(file: Path) -> Iterator[bytes]:
    """Yield the gzip members that ConvertAndChunk makes of a file."""
    content = file.read_bytes()
    for part in plan_parts(row_group_rows(pq.read_metadata(BytesIO(content)))):
        reader = PartReader(BytesIO(content), part, file.name)
        records = read_records(reader, part["rows"], GENERATION, conversion_settings({}))
        for body, rows in bodies(records, BATCH_LINES):
            yield from (packed.member for packed in batches(body, rows, max_lines=BATCH_LINES))


Contestant = Callable[[Bench, Job], float]

CONTESTANTS: dict[str, Contestant] = {
    "loader cold": load_cold,
    "loader warm": load_warm,
    "client": write_with_client,
    "bodies": send_bodies,
}
