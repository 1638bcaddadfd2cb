"""The requests to InfluxDB 2.7's delete API: `parse_delete` reads the JSON body, and rejects what 2.7 rejects.

A predicate is a list of conditions on tags that are joined by AND. 2.7 knows neither OR nor regular expressions, and
cannot delete a single field.
"""

import json
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple

from local.influxdb.api_handler import ApiError

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\\n]|\\["\\n])*")|(?P<word>\w+)|(?P<operator>=~|!~|!=|=)|(?P<other>\S))""", re.ASCII
)
_ESCAPE = re.compile(r"\\(.)")
_NS = 10**9


class Condition(NamedTuple):
    """A condition on a tag, or on the measurement if `key` is `_measurement`: its value is, or is not, `value`."""

    key: str
    is_equal: bool
    value: str


class Delete(NamedTuple):
    """A request to delete the points from `start_ns` to `stop_ns`, both included, that meet all conditions."""

    start_ns: int
    stop_ns: int
    conditions: tuple[Condition, ...]


def parse_delete(body: bytes) -> Delete:
    """Return the request in a body. Raises ApiError (400, or 501 for a condition on a field)."""
    try:
        content = json.loads(body)
        times = [str(content.get(name) or "") for name in ("start", "stop")]
        predicate = str(content.get("predicate") or "")
    except (ValueError, AttributeError):
        raise ApiError(HTTPStatus.BAD_REQUEST, "invalid request; error parsing request json") from None
    start, stop = (_parse_time(name, text) for name, text in zip(("start", "stop"), times, strict=True))
    return Delete(start, stop, tuple(_parse_predicate(predicate)))


def _parse_time(name: str, text: str) -> int:
    """Return a time in ns since 1970.

    >>> _parse_time("start", "1970-01-01T00:00:01.000000002Z")
    1000000002
    """
    match = _TIME.fullmatch(text)
    if not match:
        message = f"invalid RFC3339Nano for field {name}, please format your time with RFC3339Nano format"
        raise ApiError(HTTPStatus.BAD_REQUEST, f"{message}, example: 2009-01-02T23:00:00Z")
    seconds, fraction, zone = match.groups()
    since_1970 = datetime.fromisoformat(seconds + zone) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since_1970.days * 86_400 + since_1970.seconds) * _NS + int((fraction or "").ljust(9, "0"))


def _parse_predicate(predicate: str) -> list[Condition]:
    """Return the conditions of a predicate.

    >>> [tuple(condition) for condition in _parse_predicate('_measurement="m" AND plant!="a b" and region=N')]
    [('_measurement', True, 'm'), ('plant', False, 'a b'), ('region', True, 'N')]
    """
    tokens = list(_TOKEN.finditer(predicate.strip()))
    conditions = []
    for first in range(0, len(tokens), 4):
        condition, joint = tokens[first : first + 3], tokens[first + 3 : first + 4]
        conditions.append(_parse_condition(condition, at=condition[0].start()))
        if joint and joint[0]["word"] and joint[0]["word"].upper() == "OR":
            raise _invalid("the logical operator OR is not supported yet")
        is_last = first + 4 >= len(tokens)
        if bool(joint) == is_last or (joint and (joint[0]["word"] or "").upper() != "AND"):
            raise _invalid(f"bad logical expression, at position {tokens[-1].start()}")
    return conditions


def _parse_condition(tokens: list["re.Match[str]"], at: int) -> Condition:
    key, operator, value = [*tokens, None, None][:3]
    if not key or not (key["word"] or key["quoted"]):
        raise _invalid(f"bad tag key, at position {at}")
    if not operator or not operator["operator"]:
        raise _invalid(f'invalid operator "{operator[0] if operator else "EOF"}" at position {at}')
    if operator["operator"] in ("=~", "!~"):
        raise _invalid(f'operator "{operator["operator"]}" is not supported yet')
    if not value or not (value["word"] or value["quoted"]):
        raise _invalid(f'bad tag value: "{value[0] if value else ""}", at position {at}')
    if _name(key) == "_field":
        raise ApiError(HTTPStatus.NOT_IMPLEMENTED, "delete by field is not supported")
    return Condition(_name(key), operator["operator"] == "=", _name(value))


def _name(token: "re.Match[str]") -> str:
    if not token["quoted"]:
        return token["word"]
    return _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], token["quoted"][1:-1])


def _invalid(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, message)
