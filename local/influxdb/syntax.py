"""Line protocol as InfluxDB 2.7 parses it: one regular expression for models/points.go.

`malformed_lines` finds the lines for which 2.7 rejects the whole body, and `read_points` reads the series keys and
times of well-formed lines. The engine behind the gateway says why a line is malformed, except for what only 2.7
rejects (`reserved_tag_key`).

Most numbers are short enough to be in range whatever their digits; the expression captures only the others (`_LONG`),
whose value is then checked.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_NAME = rb"(?:[^, \\\n]++|\\++[^\n])++"
_KEY = rb"(?:[^,= \\\n]++|\\++[^\n])++"
_TAG = rb",%s=(?:=(?:%s)?+|%s)" % (_KEY, _KEY, _KEY)
_GAP = rb" [ \t\0]*"
_FLOAT = rb"-?(?:\d++\.?+\d*+|\.\d++)(?:[eE][-+]?\d++)?+"
_SHORT_FLOAT = rb"-?(?:\d{1,200}+(?!\d)\.?+\d*+|\.\d++)(?:[eE][-+]?\d{1,2}+(?!\d))?+(?![eEiu])"
_LONG = rb"(-?\d++i|\d++u|%s)" % _FLOAT
_BOOLEAN = rb"true|True|TRUE|t|T|false|False|FALSE|f|F"
_STRING = rb'"(?:[^"\\]++|\\.)*+"[^,= "\\\n]*+'
_FIELD = rb"%s=(?:-?\d{1,18}+i|\d{1,19}+u|%s|%s|%s|%s)" % (_KEY, _SHORT_FLOAT, _BOOLEAN, _STRING, _LONG)
_FIELDS = rb"%s(?:,%s)*+" % (_FIELD, _FIELD)
_POINT = rb"[ \t\0]*+(%s(?:%s)*+)%s%s(?:%s(-?\d++))?(?:%s)?" % (_NAME, _TAG, _GAP, _FIELDS, _GAP, _GAP)
_IGNORED = rb"[ \t\0]*+(?:#[^\n]*+)?"

_LINE = re.compile(rb"(?:%s|%s)(?:\n|\Z)|([^\n]*+)(?:\n|\Z)" % (_POINT, _IGNORED), re.DOTALL)
_TAGS = re.compile(rb",((%s)=(?:=(?:%s)?+|%s))" % (_KEY, _KEY, _KEY))
_VALUE = re.compile(rb"(%s)=(?:(-?\d++)i|(\d++)u|(%s)|%s|%s)" % (_KEY, _FLOAT, _BOOLEAN, _STRING), re.DOTALL)
_ANY_UNSIGNED = re.compile(rb"u(?<=\du)(?=[, \n]|\Z)")  # re searches for a first literal eight times as fast
_UNSIGNED = re.compile(rb'("(?:[^"\\]++|\\.)*+")|(=\d++)u(?=[, \n]|\Z)', re.DOTALL)

MAX_KEY_BYTES = 65_535
"""The longest series key with the name of a field."""

_RESERVED = {b"time", b"_field", b"_measurement", b"\0", b"\xff"}
_NS_OF = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
_MAX_NS = 2**63 - 2
_FIELD_SEPARATOR_BYTES = 4


class Point(NamedTuple):
    """A well-formed line with its series key (tags sorted) and its time in ns, None where the server sets it."""

    line: bytes
    key: bytes
    time_ns: int | None


def malformed_lines(body: bytes, precision: str) -> Iterator[bytes]:
    """Yield the lines for which 2.7 rejects the whole body."""
    latest = _MAX_NS // _NS_OF[precision]
    good_series: set[bytes] = set()
    for line in _LINE.finditer(body):
        series, long_first, long_later, timestamp, malformed = line.groups()
        if malformed is not None:
            yield malformed
        elif series is None:
            continue
        elif (
            (timestamp and not -latest <= int(timestamp) <= latest)
            or (series not in good_series and not has_good_tag_keys(series))
            or ((long_first or long_later or len(line[0]) > MAX_KEY_BYTES) and not _has_good_fields(line))
        ):
            yield line[0].rstrip(b"\n")
        else:
            good_series.add(series)


def read_points(body: bytes, precision: str) -> Iterator[Point]:
    """Yield the points of a body without malformed lines."""
    for line in _LINE.finditer(body):
        series, _, _, timestamp, _ = line.groups()
        if series is not None:
            time_ns = int(timestamp) * _NS_OF[precision] if timestamp else None
            yield Point(line[0].rstrip(b"\n"), _series_key(series), time_ns)


def reserved_tag_key(line: bytes) -> bytes | None:
    """Return the first tag key of a line that 2.7 reserves for itself, or None."""
    point = _LINE.match(line)
    keys = [key for _, key in _TAGS.findall((point and point[1]) or b"")]
    return next((key for key in keys if key in _RESERVED), None)


def has_good_tag_keys(series: bytes) -> bool:
    """Return True if no tag key of a series is reserved or occurs twice."""
    keys = [key for _, key in _TAGS.findall(series)]
    return len(keys) == len(set(keys)) and not _RESERVED.intersection(keys)


def without_unsigned(body: bytes) -> bytes:
    """Return the body with integers in place of unsigned ones (`1u`), which the engine does not know."""
    if not _ANY_UNSIGNED.search(body):
        return body
    return _UNSIGNED.sub(lambda value: value[1] or value[2] + b"i", body)


def _has_good_fields(line: "re.Match[bytes]") -> bool:
    """Return True if all numbers of the line are in range and all keys are short enough."""
    longest = MAX_KEY_BYTES - _FIELD_SEPARATOR_BYTES - len(line[1])
    return all(
        len(key) <= longest
        and (not integer or -(2**63) <= int(integer) < 2**63)
        and (not unsigned or int(unsigned) < 2**64)
        and (not number or abs(float(number)) != float("inf"))
        for key, integer, unsigned, number in _VALUE.findall(line[0], len(line[1]))
    )


def _series_key(series: bytes) -> bytes:
    """Sort the tags by key: b"m,b=2,a=1" becomes b"m,a=1,b=2"."""
    tags = _TAGS.findall(series)
    measurement = series[: len(series) - sum(1 + len(tag) for tag, _ in tags)]
    return b",".join([measurement, *(tag for tag, _ in sorted(tags, key=lambda tag: tag[1]))])
