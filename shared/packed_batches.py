"""Compressed batches, and the staged objects that they form: each chunk has a manifest of its batches.

The manifest says at which offset each batch begins and from which source rows its lines came (`row_ranges`).
"""

import hashlib
from collections.abc import Iterable
from io import BytesIO
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from isal import igzip
from numpy.typing import NDArray

from shared.stored import Batch, Manifest

GZIP_LEVEL = 1
"""The compression level of isal: 1.5 GB/s, and a tenth of the size. Batches are sent as they are compressed here."""


class PackedBatch(NamedTuple):
    """One compressed batch: its gzip member, the source rows of its lines, and its size before compression."""

    member: bytes
    rows: NDArray[np.int64]
    size: int


class StagedChunk(NamedTuple):
    """One object to store, and its manifest."""

    body: bytes
    sha256: str
    points: int
    unpacked_bytes: int
    manifest: Manifest


def pack(text: bytes | memoryview | NDArray[np.uint8], rows: NDArray[np.int64]) -> PackedBatch:
    """Compress the lines of a batch, which come from these source rows."""
    return PackedBatch(igzip.compress(text, GZIP_LEVEL, mtime=0), rows, len(text))


def join_batches(packed: Iterable[PackedBatch]) -> StagedChunk:
    """Return the chunk of these batches, with its manifest. Each batch is copied before the next one is made."""
    manifest: list[Batch] = []
    body, size = BytesIO(), 0
    for batch in packed:
        offset, length, points = body.tell(), len(batch.member), len(batch.rows)
        manifest.append({"offset": offset, "length": length, "points": points, "rows": row_ranges(batch.rows)})
        body.write(batch.member)
        size += batch.size
    content = body.getvalue()
    return StagedChunk(
        body=content,
        sha256=hashlib.sha256(content).hexdigest(),
        points=sum(entry["points"] for entry in manifest),
        unpacked_bytes=size,
        manifest={"batches": manifest},
    )


def row_ranges(rows: NDArray[np.int64]) -> list[list[int]]:
    """Return ascending row numbers as [first, count] ranges.

    A manifest lists the rows of every batch, and most batches are one range.

    Example: the differences of 3, 4, 5, 9, 10 are 1, 1, 4, 1. A range ends where the difference is not 1, so the second
    range begins at position 3, with row 9.

    >>> row_ranges(np.array([3, 4, 5, 9, 10]))
    [[3, 3], [9, 2]]
    """
    ends = [*(np.flatnonzero(rows[1:] - rows[:-1] != 1) + 1).tolist(), len(rows)]
    return [[int(rows[first]), end - first] for first, end in pairwise([0, *ends])]
