"""The counts of a dry run."""

from typing import Any

import numpy as np

from cli.tally import Tally
from shared.packed_batches import join_batches, pack


def put_part(tally: Tally, chunk: str, lines: int) -> None:
    outcome: Any = {"part": 0, "points": lines, "chunks": [{"chunk": chunk, "sha256": "", "points": lines}]}
    body = b"".join(b"m x=%d 7\n" % number for number in range(lines))
    tally.put_chunk(chunk, join_batches([pack(body, np.arange(lines))]))
    tally.put_outcome(outcome)


def test_a_part_that_is_converted_again_counts_once() -> None:
    points = list[int]()
    tally = Tally(points.append)
    put_part(tally, "0000-0000", 4)
    first_bytes = tally.packed_bytes
    put_part(tally, "0000-0000-distinct", 2)
    assert [part["points"] for part in tally.parts] == [2]
    assert points == [4]
    assert 0 < tally.packed_bytes < first_bytes
    assert tally.first_lines == ["m x=0 7", "m x=1 7"]
