"""Times as operators write them: ages, dates, and times."""

import re
from datetime import UTC, datetime, timedelta

from cli.errors import RefusedError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_DAYS_AGO = {"today": 0, "yesterday": 1}


def parse_time(text: str) -> datetime | None:
    """Return the time that a text such as `90m`, `yesterday`, or `2024-01-31T12:00` stands for; None for "".

    `90m` is an hour and a half ago. A day begins at midnight, and times are in UTC unless they have an offset.

    Raises:
        RefusedError: it is not a time.
    """
    if not text:
        return None
    now = datetime.now(UTC)
    if text in _DAYS_AGO:
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS_AGO[text])
    if age := re.fullmatch(r"(\d{1,6})([smhdw])", text):
        return now - timedelta(**{UNITS[age[2]]: int(age[1])})
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise RefusedError(f"{text!r} is not a time: use 90m, 6h, 2d, yesterday or 2024-01-31T12:00") from error
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
