"""Times as ISO 8601 text in UTC, which sorts like the times."""

from datetime import UTC, datetime

from shared.events import Span


def utc_ms(time: datetime) -> str:
    """Return `time` with milliseconds, such as 2024-01-31T12:00:00.000+00:00."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def utc_seconds(time: datetime) -> str:
    """Return `time` with seconds and a Z, such as 2024-01-31T12:00:00Z, which Step Functions accepts."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def span_since(started: datetime) -> Span:
    """Return the span from `started` until now."""
    return {"started_at": utc_ms(started), "ended_at": utc_ms(datetime.now(UTC))}
