"""The points that deletions removed, so that they are stale no longer.

A deletion stores the footprint of what it removed under `removal_prefix`. It concerns loads that ended before it began.
A load that writes such a point again later makes it stale again when it is replaced.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shared.footprints import Footprint, PointRange, read_footprint

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REMOVALS = "removals"
"""The first folder of all removals in the work bucket."""


def removal_prefix(influxdb_bucket: str, measurement: str) -> str:
    """Return the prefix of the removals from a measurement: `<start>/<name>.parquet` follow.

    `<start>` is when the deletion began to delete, in ISO 8601, UTC: no load that it knows writes after that.
    """
    return f"{REMOVALS}/{influxdb_bucket}/{measurement}/"


class Removals:
    """The removals from one measurement. Their keys are read once."""

    def __init__(self, client: "S3Client", work_bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = work_bucket
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=work_bucket, Prefix=prefix)
        keys = (item["Key"] for page in pages for item in page.get("Contents", []))
        self._starts = {key: key.removeprefix(prefix).split("/")[0] for key in keys}

    def after(self, ended_at: str, within: PointRange) -> Iterator[Footprint]:
        """Yield what was removed after a load ended; nothing if that is not known ("")."""
        for key, start in self._starts.items():
            if ended_at and start >= ended_at:
                content = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
                if (removed := read_footprint(content, within)).series:
                    yield removed
