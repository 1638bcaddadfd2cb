"""Lines to batches, each a gzip member of its own, and batches to chunks."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from isal import igzip
from numpy.typing import NDArray

from functions.convert_and_chunk.line_protocol import Body
from shared.stored import Batch, Manifest

MAX_BATCH_BYTES = 8_000_000
"""InfluxDB 3 refuses 10 MiB of line protocol; proxies in front of 2.7 often less."""

GZIP_LEVEL = 1
"""Of isal: a tenth of the size at 1.5 GB/s. Each batch goes out as it is, so it is compressed once."""


class Packed(NamedTuple):
    """One batch: `member` is its gzip member, `rows` the source rows of its lines, `size` its bytes unpacked."""

    member: bytes
    rows: NDArray[np.int64]
    size: int


class StagedChunk(NamedTuple):
    """One object to store, with its manifest."""

    body: bytes
    sha256: str
    points: int
    unpacked_bytes: int
    manifest: Manifest


def batches(
    body: Body, rows: NDArray[np.int64], *, max_lines: int, max_bytes: int = MAX_BATCH_BYTES
) -> Iterator[Packed]:
    """Cut a body, whose lines come from `rows`, into batches as long as both limits allow.

    A line is never split, so one over `max_bytes` travels alone.
    """
    first, starts = 0, body.starts
    while first < len(rows):
        fitting = int(np.searchsorted(starts, int(starts[first]) + max_bytes, side="right")) - 1
        end = min(max(fitting, first + 1), first + max_lines, len(rows))
        text = body.data[starts[first] : starts[end]]
        yield Packed(igzip.compress(text, GZIP_LEVEL, mtime=0), rows[first:end], len(text))
        first = end


def chunks(packed: Iterable[Packed], *, points: int) -> Iterator[StagedChunk]:
    """Join batches until a chunk has `points` lines or more."""
    gathered: list[Packed] = []
    missing = points
    for batch in packed:
        gathered.append(batch)
        missing -= len(batch.rows)
        if missing <= 0:
            yield _chunk(gathered)
            gathered, missing = [], points
    if gathered:
        yield _chunk(gathered)


def row_ranges(rows: NDArray[np.int64]) -> list[list[int]]:
    """Ascending row numbers as [first, count] ranges."""
    ends = [*(np.flatnonzero(rows[1:] - rows[:-1] != 1) + 1).tolist(), len(rows)]
    return [[int(rows[first]), end - first] for first, end in pairwise([0, *ends])]


def _chunk(packed: list[Packed]) -> StagedChunk:
    manifest: list[Batch] = []
    offset = 0
    for batch in packed:
        length, points = len(batch.member), len(batch.rows)
        manifest.append({"offset": offset, "length": length, "points": points, "rows": row_ranges(batch.rows)})
        offset += length
    body = b"".join(batch.member for batch in packed)
    return StagedChunk(
        body=body,
        sha256=hashlib.sha256(body).hexdigest(),
        points=sum(len(batch.rows) for batch in packed),
        unpacked_bytes=sum(batch.size for batch in packed),
        manifest={"batches": manifest},
    )
