"""Times as text, ISO 8601 in UTC, so that texts compare as times do."""

from datetime import UTC, datetime

from shared.events import Span


def utc_ms(time: datetime) -> str:
    """With milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def utc_seconds(time: datetime) -> str:
    """With seconds and a Z, as Step Functions takes it."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def span_since(started: datetime) -> Span:
    """Until now."""
    return {"started_at": utc_ms(started), "ended_at": utc_ms(datetime.now(UTC))}
