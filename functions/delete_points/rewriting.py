"""Points that are written again, and read back: those of a before-image that InfluxDB does not store any more.

InfluxDB rejects points that are older than the bucket's retention period. These are lost anyway, so they are counted as
expired, and do not keep the others from being written.
"""

import gzip
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from functions.delete_points.before_image import (
    TIME,
    Mask,
    changed_fields,
    fields_of,
    lines_of,
    select_fields,
    stored_fields,
)
from functions.delete_points.judgment import examples
from functions.delete_points.retention import NO_BOUND_NS
from shared.deletion.records import RequestProgress
from shared.errors import InfluxUnavailableError
from shared.influx import WRITE_TIMEOUT_S, Influx
from shared.influx_answers import interpret

BODY_POINTS = 5_000
"""How many points to write at once."""


class Rewritten(NamedTuple):
    """What became of points that were written again.

    Attributes:
        points: How many are stored.
        expired: How many are not, since they are older than the bucket's retention period.
        changed: The first points that read back with another value.
    """

    points: int = 0
    expired: int = 0
    changed: tuple[str, ...] = ()


def with_rewritten(progress: RequestProgress, rewritten: Rewritten) -> RequestProgress:
    """Return the progress of a request with what became of points that were written again."""
    changed = [f"a point was written again, and reads back with another value: {text}" for text in rewritten.changed]
    doubts = [*progress.get("doubts", []), *changed]
    return {**progress, "rewritten": rewritten.points, "expired": rewritten.expired, "doubts": doubts}


def write_missing(
    influx: Influx, bucket: str, image: pa.Table, fields: Mask, *, stored: pa.Table, read: Callable[[], pa.Table]
) -> Rewritten:
    """Write these fields of an image where they are not stored, and read them back.

    Args:
        influx: The server.
        bucket: The InfluxDB bucket.
        image: The points.
        fields: The fields of each point.
        stored: The points that are stored.
        read: Reads again what is stored.

    Raises:
        InfluxUnavailableError: InfluxDB did not answer, or lacks points that it acknowledged.
    """
    missing = select_fields(image, fields & ~stored_fields(image, stored))
    if not len(missing):
        return Rewritten()
    bodies = (missing.slice(first, BODY_POINTS) for first in range(0, len(missing), BODY_POINTS))
    bound_ns = max([_write(influx, bucket, body) for body in bodies])
    present = read()
    is_missing = (fields_of(missing) & ~stored_fields(missing, present)) != 0
    is_expired = is_missing & (missing[TIME].to_numpy() < bound_ns)
    if (is_missing & ~is_expired).any():
        raise InfluxUnavailableError("points that were written again are not stored")
    expired = int(np.count_nonzero(is_expired))
    return Rewritten(len(missing) - expired, expired, tuple(examples(missing, changed_fields(missing, present))))


def _write(influx: Influx, bucket: str, points: pa.Table) -> int:
    """Write points. Return the time before which InfluxDB rejects them, as too old, in ns since 1970."""
    body = gzip.compress(lines_of(points), compresslevel=1, mtime=0)
    reply = influx.write(body, bucket=bucket, timeout_s=WRITE_TIMEOUT_S)
    if reply.status == HTTPStatus.NO_CONTENT:
        return NO_BOUND_NS
    answer = interpret(reply)
    recent = points.filter(pc.greater_equal(points[TIME], answer.lower_bound_ns or NO_BOUND_NS))
    if len(recent) == len(points):
        raise answer.exception("points that must be written again")
    if len(recent):
        # InfluxDB may have rejected some of them for another reason.
        _write(influx, bucket, recent)
    return answer.lower_bound_ns or NO_BOUND_NS
