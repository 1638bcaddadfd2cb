"""The kinds of reasons for which InfluxDB rejects points, read from its messages.

A message often names the point, its time or the server's clock, so that hardly two are equal. `kind_of` returns what
many of them have in common, for grouping; `retention_bound_ns` reads the time before which points are too old.
"""

import re
from datetime import UTC, datetime

_TYPE_CONFLICT = re.compile(r'input field "(.+?)" on measurement "(.+?)" is type (\w+), already exists as type (\w+)')
_TYPE_CONFLICT_V3 = re.compile(r"invalid column type for column '(.+?)', expected [\w:]*?(\w+), got [\w:]*?(\w+)\b")
_RETENTION = re.compile(r"(?:outside|beyond) retention policy(?: of duration (\w+))?")
_MALFORMED = re.compile(r"unable to parse '.*': (.+)", re.DOTALL)
_LOWER_BOUND = re.compile(r"Lower Bound at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


def kind_of(message: str) -> str:
    """Return the kind of a rejection: a type conflict by field and types, retention, or a malformed line by reason.

    Any other message is a kind of its own.

    >>> kind_of('input field "a" on measurement "m" is type float, already exists as type integer dropped=1')
    "field type conflict: InfluxDB has the field 'a' of 'm' as integer, not as float"
    >>> kind_of("dropped 1 points outside retention policy of duration 1h0m0s - oldest point m at 2020-01-01T00:00:00Z")
    "older than the bucket's retention period of 1h0m0s"
    >>> kind_of("unable to parse 'm f=x 1': invalid number")
    'malformed line: invalid number'
    """
    if match := _TYPE_CONFLICT.search(message):
        field, measurement, sent, existing = match.groups()
        return f"field type conflict: InfluxDB has the field {field!r} of {measurement!r} as {existing}, not as {sent}"
    if match := _TYPE_CONFLICT_V3.search(message):
        field, existing, sent = match.groups()
        return f"field type conflict: InfluxDB has the column {field!r} as {existing}, not as {sent}"
    if match := _RETENTION.search(message):
        return "older than the bucket's retention period" + (f" of {match[1]}" if match[1] else "")
    if match := _MALFORMED.search(message):
        return f"malformed line: {match[1]}"
    return message


def is_retention(message: str) -> bool:
    """Return whether InfluxDB rejected points because they are older than the bucket's retention period."""
    return _RETENTION.search(message) is not None


def retention_bound_ns(message: str) -> int | None:
    """Return the time, in ns since 1970, before which points are too old, if a message of InfluxDB 2.7 tells it.

    >>> retention_bound_ns("violates a Retention Policy Lower Bound at 2023-11-14T22:13:20.000000005Z, newest point")
    1700000000000000005
    >>> retention_bound_ns("points beyond retention policy dropped=1")
    """
    match = _LOWER_BOUND.search(message)
    if not match:
        return None
    seconds, fraction, zone = match.groups()
    moment = datetime.fromisoformat(seconds + zone.replace("Z", "+00:00")).astimezone(UTC)
    return int(moment.timestamp()) * 10**9 + int((fraction or "").ljust(9, "0")[:9] or 0)
