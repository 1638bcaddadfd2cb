"""Files of one month, with a revision in their keys, and what InfluxDB must hold after their loads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tests.functional.conftest import SOURCE
from tests.support.builders import HOUR, START, generation, parquet
from tests.support.finished_load import StoringInflux
from tests.support.ledger_entries import item
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Point = tuple[str, int, str]
"""A region, an hour and a field."""

File = dict[Point, float]


def key_of(slot: int, day: int) -> str:
    revision = f"processing_metadata_processed_at=2024-08-{day:02} 03:04:05.678901/" if day else ""
    return f"dataset=generation/year=2024/month=01/{revision}{slot}.parquet"


def put(s3: "S3Client", key: str, file: File) -> None:
    """Put a file with one row for each region and hour."""
    rows = sorted({(region, hour) for region, hour, _ in file})
    columns: dict[str, Any] = {
        name: pa.array([file.get((region, hour, name)) for region, hour in rows], pa.float64())
        for name in ("power_mw", "efficiency")
    }
    times = pa.array([START + hour * HOUR for _, hour in rows], pa.timestamp("us", "UTC"))
    table = generation(len(rows), timestamp=times, region=[region for region, _ in rows], **columns)
    s3.put_object(Bucket=SOURCE, Key=key, Body=parquet(table))


def stored(server: StoringInflux) -> File:
    """The values in InfluxDB, as a file has them."""
    values: File = {}
    for (series, time), fields in server.points.items():
        region = dict(pair.split("=") for pair in series.split(",")[1:])["region"]
        values |= {(region, (time // 1000 - START) // HOUR, name): value for name, value in fields.items()}
    return values


def newest(files: Sequence[File]) -> File:
    """The ten-line model: later files overwrite earlier ones, value by value."""
    result: File = {}
    for file in files:
        result |= file
    return result


def hours(region: str, first: int, count: int, value: float, field: str = "power_mw") -> File:
    return {(region, hour, field): value for hour in range(first, first + count)}


def finish(*loads: StepwiseLoad) -> None:
    for load in loads:
        for _ in load.run():
            pass


def item_of(load: StepwiseLoad) -> Any:
    """Return the item of a load that has ended well, with its footprint."""
    claim, footprint = load.state["file"]["claim"], load.data["footprint"]
    keys = {name: claim[name] for name in ("object", "version", "last_modified", "sequencer")}
    times = {name: footprint[name] for name in ("measurement", "first_time", "last_time", "calendar")}
    times["footprint"] = footprint["prefix"]
    return item("", "loaded", 1) | keys | times | {"etag": load.state["file"]["etag"]}
