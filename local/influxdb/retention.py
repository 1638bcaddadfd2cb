"""The points that InfluxDB 2.7 rejects because they are older than the retention period of their bucket.

2.7 rejects an old point only if no newer point of the same request has created its shard group. With a retention period
of 1 h, shard groups of 1 h, and 10:30 as the time of the server, a request with points at 09:05 and 09:40 stores both:
09:40 is within the period, and 09:05 lies in the same shard group. A request with 09:05 alone is rejected.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from local.influxdb.buckets import Bucket
from local.influxdb.syntax import Point

_NS = 10**9
_YEAR_ONE_S = -62_135_596_800
"""The zero time of Go, from which shard groups are counted, in seconds since 1970."""


def expired_points(points: Sequence[Point], bucket: Bucket, now_ns: int) -> list[Point]:
    """Return the points that 2.7 rejects at the time `now_ns` of the server."""
    if not bucket.retention_s:
        return []
    lower_bound = now_ns - bucket.retention_s * _NS
    timed = [(point, now_ns if point.time_ns is None else point.time_ns) for point in points]
    open_groups = {_shard_group(time_ns, bucket) for _, time_ns in timed if time_ns >= lower_bound}
    return [
        point for point, time_ns in timed if time_ns < lower_bound and _shard_group(time_ns, bucket) not in open_groups
    ]


def rejection(expired: Sequence[Point], bucket: Bucket, now_ns: int) -> str:
    """Return the message of 2.7 for a non-empty list of expired points."""
    bound = _rfc3339(now_ns - bucket.retention_s * _NS)
    oldest, newest = (pick(expired, key=lambda point: point.time_ns or 0) for pick in (min, max))
    hours, rest = divmod(bucket.retention_s, 3600)

    def dropped(which: str, point: Point) -> str:
        place = f"{which} point {point.key.decode(errors='replace')} at {_rfc3339(point.time_ns or 0)}"
        return f"{place} dropped because it violates a Retention Policy Lower Bound at {bound}"

    return (
        f"partial write: dropped {len(expired)} points outside retention policy of duration "
        f"{hours}h{rest // 60}m{rest % 60}s - {dropped('oldest', oldest)}, {dropped('newest', newest)} "
        f"dropped={len(expired)} for database: {bucket.id} for retention policy: autogen"
    )


def _shard_group(time_ns: int, bucket: Bucket) -> int:
    return (time_ns - _YEAR_ONE_S * _NS) // (bucket.shard_group_s * _NS)


def _rfc3339(time_ns: int) -> str:
    """Format a time like Go: 1_700_000_000_500_000_000 becomes 2023-11-14T22:13:20.5Z."""
    seconds, fraction = divmod(time_ns, _NS)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{fraction:09}".rstrip("0") if fraction else "") + "Z"
