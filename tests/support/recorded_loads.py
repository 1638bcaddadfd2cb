"""Loads without files, as the ledger and the work bucket have them: an item, a footprint, and a report."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from shared.footprints import Footprint, FootprintWriter, PointBlock
from shared.work_bucket import footprint_key, footprint_prefix, report_key
from tests.functional.conftest import WORK

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Value = tuple[str, int, str]
"""A series, a time in ns, and a field."""

End = Literal["loaded", "failed before the first write", "killed"]

FIELDS = ("a", "b")
NUMBERS = count()


def put_load(
    s3: "S3Client",
    dataset: str,
    values: Iterable[Value],
    end: End,
    now: datetime,
    *,
    load_id: str = "",
    execution: str = "run",
) -> str:
    """Store the footprint of a load and, unless it was killed, its report. Return its load ID."""
    load_id, planned = load_id or f"{next(NUMBERS):016}", set(values)
    s3.put_object(Bucket=WORK, Key=footprint_key(dataset, load_id, execution, 0), Body=encoded(planned))
    if end != "killed":
        stored, not_sent = (len(planned), 0) if end == "loaded" else (0, len(planned))
        points = {"stored": stored, "rejected": 0, "superseded": 0, "not_sent": not_sent, "unknown": 0}
        response = {"timestamp": f"{now:%Y-%m-%dT%H:%M:%S.%f}", "data": {"points": points, "influxdb_health": None}}
        report = json.dumps({"response": response}).encode()
        s3.put_object(Bucket=WORK, Key=report_key(dataset, load_id, execution, "json"), Body=report)
    return load_id


def item(name: str, dataset: str, load_id: str, now: datetime, end: End, *, execution: str = "run") -> Any:
    """Return the item of a load of the newest version of an object."""
    number = int(load_id)
    return {
        "object": name,
        "version": f"{number:016}",
        "last_modified": number,
        "sequencer": "",
        "status": "loaded" if end == "loaded" else "failed",
        "changed_at": now.isoformat(),
        "load_id": load_id,
        "dataset": dataset,
        "execution": f"arn:{execution}",
        "footprint": footprint_prefix(dataset, load_id, execution),
        "input_rows": 1,
    }


def encoded(values: Iterable[Value]) -> bytes:
    """Return the footprint of some values."""
    present = set(values)
    points = sorted({(series, time) for series, time, _ in present})
    names = sorted({series for series, _ in points})
    masks = [sum(1 << bit for bit, field in enumerate(FIELDS) if (*point, field) in present) for point in points]
    writer = FootprintWriter(pa.array(names, pa.string()), FIELDS)
    numbers = np.array([names.index(series) for series, _ in points], np.int32)
    writer.write(PointBlock(numbers, np.array([time for _, time in points]), np.array(masks, np.uint64)))
    return writer.close()


def values_of(footprint: Footprint) -> Iterator[Value]:
    """Yield the values of a footprint."""
    for number, time, fields in zip(*(column.tolist() for column in footprint.points), strict=True):
        for bit, name in enumerate(footprint.names):
            if fields >> bit & 1:
                yield footprint.series[number], time, name
