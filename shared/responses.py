"""The contract's answer: one shape for success, skip and failure."""

from datetime import UTC, datetime
from typing import Any

from shared.events import Response


def response(status: int, message: str, data: dict[str, Any], now: datetime) -> Response:
    """`timestamp` is UTC without a zone, six digits."""
    timestamp = now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return {"statusCode": status, "message": message, "timestamp": timestamp, "data": data}


def seconds_since(start_time: str, now: datetime) -> float:
    """From the execution's start."""
    return round((now - datetime.fromisoformat(start_time)).total_seconds(), 3)
