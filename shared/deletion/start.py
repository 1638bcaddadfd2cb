"""The start of a deletion: its plan and its footprints, stored in the work bucket."""

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from shared.deletion.records import Approval, Deletion, current_key, optional_key, plan_key, stale_key
from shared.deletion.requests import DeletionPlan
from shared.footprints import Footprint, FootprintWriter
from shared.stale.stale_set import StaleSet
from shared.times import utc_ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def start_deletion(
    client: "S3Client",
    work_bucket: str,
    plan: DeletionPlan,
    points: StaleSet,
    *,
    influxdb_bucket: str,
    measurement: str,
    datasets: Sequence[str],
    planned_at: datetime,
    approval: Approval,
) -> Deletion:
    """Store a deletion, and return it. Nothing is deleted before DeletePoints is called with its id.

    Args:
        client: The S3 client.
        work_bucket: The work bucket.
        plan: The plan, without a refusal.
        points: The stale points, and those to keep in their time.
        influxdb_bucket: The InfluxDB bucket.
        measurement: The measurement.
        datasets: The datasets with this measurement.
        planned_at: The time before the ledger was read for the plan.
        approval: What spoke against the deletion, and whether a person approved it nevertheless.
    """
    deletion: Deletion = {
        "deletion": f"{planned_at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
        "influxdb_bucket": influxdb_bucket,
        "measurement": measurement,
        "datasets": list(datasets),
        "field_names": sorted({name for footprint in points for name in footprint.names}),
        "planned_at": utc_ledger(planned_at),
        "seconds": plan.seconds / len(plan.requests),
        "requests": [{**request._asdict(), "tags": [list(tag) for tag in request.tags]} for request in plan.requests],  # type: ignore[typeddict-item]
        "approval": approval,
    }
    name = deletion["deletion"]
    for key_of, footprint in zip((stale_key, current_key, optional_key), points, strict=True):
        client.put_object(Bucket=work_bucket, Key=key_of(name), Body=encode_footprint(footprint))
    client.put_object(Bucket=work_bucket, Key=plan_key(name), Body=json.dumps(deletion).encode())
    return deletion


def encode_footprint(footprint: Footprint) -> bytes:
    """Return a footprint as Parquet, which may be empty."""
    writer = FootprintWriter(pa.array(footprint.series, pa.string()), footprint.names)
    if len(footprint.points.time):
        writer.write(footprint.points)
    return writer.close()
