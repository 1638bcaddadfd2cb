"""Lines become batches, and batches become chunks.

`batches` cuts rendered lines into pieces that one HTTP request can carry, and compresses each piece as a gzip member of
its own. `chunks` joins members until there is enough for one WriteBatch (`chunk_points`): a chunk is one object in S3.
"""

from collections.abc import Iterable, Iterator
from math import gcd

import numpy as np
from numpy.typing import NDArray

from functions.convert_and_chunk.line_protocol import Body
from shared.packed_batches import PackedBatch, StagedChunk, join_batches, pack

MAX_BATCH_BYTES = 8_000_000
"""The size limit of a batch before compression.

InfluxDB 3 rejects requests of more than 10 MiB, and proxies in front of InfluxDB 2.7 often have lower limits.
"""

MIN_CHUNK_POINTS, MAX_CHUNK_POINTS, LANES = 100_000, 250_000, 2
"""The limits of a chunk's size in points, and the number of chunks that a load usually writes at the same time.

A larger chunk costs less: each has its own transition, invocation, objects, and history events. It still takes only
seconds to write. A smaller chunk lets a file of medium size be written in several lanes.
"""

FILE_CHUNKS = 200
"""How many chunks a file may have before its chunks grow."""

FORMER_PARTS = 20
"""The number of parts to assume for a file that an earlier release planned, without passing it on."""


def batches(
    body: Body, rows: NDArray[np.int64], *, max_lines: int, max_bytes: int = MAX_BATCH_BYTES
) -> Iterator[PackedBatch]:
    r"""Cut a body into batches that are as long as both limits allow.

    A line is never split, so a line of more than `max_bytes` is sent alone.

    Example: three lines of 10 bytes end at 10, 20 and 30. `searchsorted` finds two line ends up to byte 25, so a batch
    of at most 25 bytes takes two lines.

    >>> data = np.frombuffer(b"m f=1.0 1\nm f=1.0 2\nm f=1.0 3\n", np.uint8)
    >>> body = Body(data, np.array([0, 10, 20, 30], np.int32))
    >>> [(batch.size, batch.rows.tolist()) for batch in batches(body, np.arange(3), max_lines=1000, max_bytes=25)]
    [(20, [0, 1]), (10, [2])]

    Args:
        body: The rendered lines.
        rows: The source row of each line.
        max_lines: The most lines of a batch.
        max_bytes: The most bytes of a batch before compression.
    """
    first, starts = 0, body.starts
    while first < len(rows):
        ends = starts[first + 1 : first + 1 + max_lines]  # only these few: searchsorted converts them to int64
        lines = int(np.searchsorted(ends, int(starts[first]) + max_bytes, side="right"))
        end = first + max(lines, 1)
        text = body.data[starts[first] : starts[end]]
        yield pack(text, rows[first:end])
        first = end


def chunk_points(part_points: int, file_parts: int) -> int:
    """Return the size of a part's chunks, which have nearly equal sizes.

    The chunks of all parts together fill the lanes evenly, as long as the parts do: with a fifth chunk for two lanes,
    one lane would wait for it. A part of 1.2 million points has 6 chunks. Each of two such parts has only 5.

    >>> [chunk_points(points, 1) for points in (1000, 300_000, 1_000_000, 1_200_000, 2_000_000)]
    [1000, 150000, 250000, 200000, 250000]
    >>> chunk_points(1_200_000, 2), chunk_points(4_000_000, 40)
    (240000, 800000)
    """
    together = LANES // gcd(LANES, file_parts)
    full_lanes = together * max(1, -(-part_points // (together * MAX_CHUNK_POINTS)))
    count = min(full_lanes, max(1, part_points // MIN_CHUNK_POINTS), max(1, FILE_CHUNKS // file_parts))
    return max(1, -(-part_points // count))


def chunks(packed: Iterable[PackedBatch], *, points: int) -> Iterator[StagedChunk]:
    """Join batches to chunks of at least `points` lines each; the last chunk may be smaller."""
    following = iter(packed)
    for first in following:
        yield join_batches(_batches_of_chunk(first, following, points))


def _batches_of_chunk(first: PackedBatch, following: Iterator[PackedBatch], points: int) -> Iterator[PackedBatch]:
    """Yield the first batch of a chunk, then the following ones until there are enough points."""
    yield first
    missing = points - len(first.rows)
    while missing > 0 and (batch := next(following, None)):
        yield batch
        missing -= len(batch.rows)
