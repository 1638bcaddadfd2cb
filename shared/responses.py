"""The response of an execution: one shape for success, skip and failure."""

from datetime import UTC, datetime
from typing import Any

from shared.events import Response


def response(status: int, message: str, data: dict[str, Any], now: datetime) -> Response:
    """Return the response. Its timestamp is UTC without a zone, with six digits of the second."""
    timestamp = now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return {"statusCode": status, "message": message, "timestamp": timestamp, "data": data}


def seconds_since(start_time: str, now: datetime) -> float:
    """Return the seconds from `start_time` (ISO 8601) to `now`, in milliseconds' precision."""
    return round((now - datetime.fromisoformat(start_time)).total_seconds(), 3)
