"""When something ran, for the timeline of the load report."""

from datetime import UTC, datetime

from shared.events import Span


def utc_ms(time: datetime) -> str:
    """ISO 8601 with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def span_since(started: datetime) -> Span:
    """Until now."""
    return {"started_at": utc_ms(started), "ended_at": utc_ms(datetime.now(UTC))}
