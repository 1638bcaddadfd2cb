"""The retention period of a bucket: InfluxDB drops points that are older, so they need not be there, nor be written."""

from datetime import datetime
from http import HTTPStatus

from shared.influx import Influx

NO_BOUND_NS = -(2**63)
"""The bound of a bucket that keeps all points."""


def oldest_kept_ns(influx: Influx, bucket: str, now: datetime) -> int:
    """Return the time before which the bucket drops points, in ns since 1970.

    It is `NO_BOUND_NS` if the bucket keeps all points, or if InfluxDB does not tell: then a missing point is in doubt.
    """
    reply = influx.get("/api/v2/buckets", org=influx.org, name=bucket)
    content = reply.data if reply.status == HTTPStatus.OK and isinstance(reply.data, dict) else {}
    rules = [rule for entry in content.get("buckets", []) if entry["name"] == bucket for rule in _rules(entry)]
    seconds = min((int(rule.get("everySeconds", 0)) for rule in rules), default=0)
    return (int(now.timestamp()) - seconds) * 10**9 if seconds else NO_BOUND_NS


def _rules(entry: dict[str, list[dict[str, int]]]) -> list[dict[str, int]]:
    return entry.get("retentionRules") or []
