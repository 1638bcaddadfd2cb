"""The cause of a failed execution: its response as JSON, within the limit of Step Functions."""

import json
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

MAX_CAUSE = 32_768
"""How many characters the cause of a Fail state may have. A longer one would replace the error by another one."""

SHORTENED = " … (shortened: the report has all of it)"
ESSENTIAL = ("error", "report", "bucket", "key", "version_id", "points")
"""The data that a shortened cause keeps, if shortening the message does not suffice."""


def fail_cause(response: Mapping[str, Any]) -> str:
    """Return the response as JSON. One that is too long loses the end of its message, and then its other data."""
    cause = _to_json(response)
    if len(cause) > MAX_CAUSE:
        cause = _shorten(response)
    if len(cause) > MAX_CAUSE:
        data = {name: value for name, value in response["data"].items() if name in ESSENTIAL}
        return fail_cause({**response, "data": data})
    return cause


def _shorten(response: Mapping[str, Any]) -> str:
    """Return the response as JSON with as much of its message as fits."""

    def beginning(characters: int) -> str:
        return _to_json({**response, "message": response["message"][:characters] + SHORTENED})

    longest = bisect_right(range(len(response["message"])), MAX_CAUSE, key=lambda end: len(beginning(end)))
    return beginning(max(0, longest - 1))


def _to_json(response: Mapping[str, Any]) -> str:
    return json.dumps(response, ensure_ascii=False)
