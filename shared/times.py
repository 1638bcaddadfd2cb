"""Times as ISO 8601 text in UTC, which sorts like the times."""

from datetime import UTC, datetime, timedelta

from shared.events import Span


def utc_ms(time: datetime) -> str:
    """Return `time` with milliseconds, such as 2024-01-31T12:00:00.000+00:00."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def utc_seconds(time: datetime) -> str:
    """Return `time` with seconds and a Z, such as 2024-01-31T12:00:00Z, which Step Functions accepts."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def utc_ledger(time: datetime) -> str:
    """Return `time` as Step Functions writes the times of the ledger, such as 2024-01-31T12:00:00.000Z.

    It compares as text with times to the second, which count as later than all others of their second.
    """
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_ns(time_ns: int) -> str:
    """Return nanoseconds since 1970 as an ISO 8601 time with nine digits of the second.

    >>> utc_ns(1_704_067_200_000_000_005), utc_ns(-1)
    ('2024-01-01T00:00:00.000000005Z', '1969-12-31T23:59:59.999999999Z')
    """
    seconds, fraction = divmod(time_ns, 10**9)
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"


def span_since(started: datetime) -> Span:
    """Return the span from `started` until now."""
    return {"started_at": utc_ms(started), "ended_at": utc_ms(datetime.now(UTC))}
