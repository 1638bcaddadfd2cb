"""Which lines InfluxDB 2.7 cannot parse: `scanMeasurement`, `scanFields` … of its models/points.go as one regex."""

import re
from collections.abc import Iterator

_NAME = rb"(?:[^, \\\n]++|\\++[^\n])++"
_KEY = rb"(?:[^,= \\\n]++|\\++[^\n])++"
_TAG = rb",%s=(?:=(?:%s)?+|%s)" % (_KEY, _KEY, _KEY)
_GAP = rb" [ \t\0]*"
_FLOAT = rb"-?(?:\d++\.?+\d*+|\.\d++)(?:[eE][-+]?\d++)?+"
_BOOLEAN = rb"true|True|TRUE|t|T|false|False|FALSE|f|F"
_STRING = rb'"(?:[^"\\]++|\\.)*+"[^,= "\\\n]*+'
_FIELD = rb"%s=(?:-?\d{1,19}i|\d{1,20}u|%s|%s|%s)" % (_KEY, _FLOAT, _BOOLEAN, _STRING)
_FIELDS = rb"%s(?:,%s)*+" % (_FIELD, _FIELD)
_POINT = rb"[ \t\0]*+(%s(?:%s)*+)%s%s(?:%s(-?\d{1,19}))?(?:%s)?" % (_NAME, _TAG, _GAP, _FIELDS, _GAP, _GAP)
_IGNORED = rb"[ \t\0]*+(?:#[^\n]*+)?"

_LINE = re.compile(rb"(?:%s|%s)(?:\n|\Z)|([^\n]*+)(?:\n|\Z)" % (_POINT, _IGNORED), re.DOTALL)
_TAG_KEY = re.compile(rb",(%s)=" % _KEY)

_NS_OF = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
_MAX_NS = 2**63 - 2


def malformed_lines(body: bytes, precision: str) -> Iterator[bytes]:
    """The lines for which 2.7 refuses the whole body. Integers beyond int64 are left to the engine."""
    latest = _MAX_NS // _NS_OF[precision]
    good_series: set[bytes] = set()
    for line in _LINE.finditer(body):
        series, timestamp, malformed = line.groups()
        if malformed is not None:
            yield malformed
        elif timestamp and not -latest <= int(timestamp) <= latest:
            yield line[0].rstrip(b"\n")
        elif series and series not in good_series:
            if _has_duplicate_tag(series):
                yield line[0].rstrip(b"\n")
            else:
                good_series.add(series)


def _has_duplicate_tag(series: bytes) -> bool:
    keys = _TAG_KEY.findall(series)
    return len(keys) != len(set(keys))
