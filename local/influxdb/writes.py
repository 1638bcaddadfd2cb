"""A write into the engine with the replies of InfluxDB 2.7.

The engine, InfluxDB 1.6.7, writes the good lines of a body with malformed ones; 2.7 writes nothing. So malformed lines
are found first (`check_lines`), and only a body without any is sent to the engine (`write_lines`).
"""

import time
from collections.abc import Sequence
from http import HTTPStatus
from itertools import groupby

from local.influxdb.api_handler import ApiError
from local.influxdb.buckets import Bucket
from local.influxdb.engine_client import EngineClient, EngineError
from local.influxdb.retention import expired_points, rejection
from local.influxdb.syntax import malformed_lines, read_points, reserved_tag_key, without_unsigned

ENGINE_PRECISIONS = {"ns": "n", "us": "u", "ms": "ms", "s": "s"}
"""The precisions of 2.7, and their names in 1.6.7."""

_LARGE_BYTES = 100_000
"""The size from which a body is worth a quick look, for which Arrow must be imported once (0.2 s)."""


def check_lines(engine: EngineClient, bucket: Bucket, body: bytes, precision: str) -> None:
    """Raise ApiError (400) with a reason for each malformed line, if there are any."""
    if len(body) >= _LARGE_BYTES and _only_plain_lines(body, precision):
        return
    lines = list(malformed_lines(body, precision))
    if not lines:
        return
    reasons = []
    for reserved, group in groupby(lines, key=lambda line: reserved_tag_key(line) is not None):
        adjacent = list(group)
        reasons.append(_reserved_reason(adjacent) if reserved else _engine_reason(engine, bucket, adjacent, precision))
    raise ApiError(HTTPStatus.BAD_REQUEST, "\n".join(reasons))


def write_lines(engine: EngineClient, bucket: Bucket, body: bytes, precision: str) -> None:
    """Write a body without malformed lines.

    Raises:
        ApiError: 422 if the engine or the bucket's retention period rejected points and the others are written, 500
            for any other error of the engine.
    """
    now_ns = time.time_ns()
    points = list(read_points(body, precision)) if bucket.retention_s else []
    expired = expired_points(points, bucket, now_ns)
    if expired:
        lines = {id(point) for point in expired}
        body = b"\n".join(point.line for point in points if id(point) not in lines)
    integers = without_unsigned(body)
    try:
        engine.write(integers, database=bucket.database, precision=ENGINE_PRECISIONS[precision])
    except EngineError as error:
        raise _write_error(error, unsigned=integers != body) from None
    if expired:
        raise _partial_write(rejection(expired, bucket, now_ns))


def _only_plain_lines(body: bytes, precision: str) -> bool:
    from local.influxdb.plain_lines import only_plain_lines  # noqa: PLC0415 - see _LARGE_BYTES

    return only_plain_lines(body, precision)


def _reserved_reason(lines: Sequence[bytes]) -> str:
    return "\n".join(
        f"unable to parse '{_text(line)}': cannot use reserved tag key {_go_quote(reserved_tag_key(line) or b'')}"
        for line in lines
    )


def _engine_reason(engine: EngineClient, bucket: Bucket, lines: Sequence[bytes], precision: str) -> str:
    """Return the engine's reasons for malformed lines, of which it writes none."""
    try:
        engine.write(b"\n".join(lines), database=bucket.database, precision=ENGINE_PRECISIONS[precision])
    except EngineError as error:
        return str(error)
    return "\n".join(f"unable to parse '{_text(line)}': point is invalid" for line in lines)


def _write_error(error: EngineError, *, unsigned: bool) -> ApiError:
    message = str(error)
    if message.startswith("partial write: "):
        return _partial_write(message.replace("is type integer", "is type unsigned", 1) if unsigned else message)
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, f"unexpected error writing points to database: {message}")


def _partial_write(reason: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"failure writing points to database: {reason}")


def _text(line: bytes) -> str:
    return line.lstrip(b" \t\0").decode(errors="replace")


def _go_quote(key: bytes) -> str:
    r"""Quote like Go's %q: b"time" becomes "time", b"\x00" becomes "\x00"."""
    return '"' + key.decode("ascii", errors="backslashreplace").replace("\0", "\\x00") + '"'
