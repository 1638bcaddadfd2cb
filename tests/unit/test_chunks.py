"""Batches and chunks: nothing is lost, limits hold, and equal input gives equal bytes."""

import gzip
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.chunks import FILE_CHUNKS, LANES, MAX_CHUNK_POINTS, batches, chunk_points, chunks
from functions.convert_and_chunk.line_protocol import Body
from shared.packed_batches import PackedBatch, row_ranges


def body(lines: list[bytes]) -> Body:
    starts = np.cumsum([0, *map(len, lines)]).astype(np.int32)
    return Body(np.frombuffer(b"".join(lines), np.uint8), starts)


def cut(lines: list[bytes], max_lines: int, max_bytes: int) -> list[PackedBatch]:
    return list(batches(body(lines), np.arange(len(lines)), max_lines=max_lines, max_bytes=max_bytes))


some_lines = st.lists(st.binary(min_size=1, max_size=20), max_size=30)


@given(some_lines, st.integers(1, 9), st.integers(1, 99))
def test_no_line_is_lost_and_none_is_split(lines: list[bytes], max_lines: int, max_bytes: int) -> None:
    result = cut(lines, max_lines, max_bytes)
    assert b"".join(gzip.decompress(batch.member) for batch in result) == b"".join(lines)
    assert [row for batch in result for row in batch.rows] == list(range(len(lines)))
    for batch in result:
        assert gzip.decompress(batch.member) == b"".join(lines[row] for row in batch.rows)
        assert len(batch.rows) <= max_lines
        assert batch.size <= max_bytes or len(batch.rows) == 1


@given(some_lines, st.integers(1, 9), st.integers(1, 99))
def test_no_batch_has_room_for_the_next_line(lines: list[bytes], max_lines: int, max_bytes: int) -> None:
    result = cut(lines, max_lines, max_bytes)
    for batch, following in pairwise(result):
        full = len(batch.rows) == max_lines
        assert full or batch.size + len(lines[following.rows[0]]) > max_bytes


def test_a_line_over_the_limit_travels_alone() -> None:
    assert [len(batch.rows) for batch in cut([b"a", b"b" * 50, b"c"], 9, 10)] == [1, 1, 1]


def test_equal_lines_give_equal_bytes() -> None:
    lines = [b"m f=%d.0 1\n" % number for number in range(100)]
    first, second = (list(chunks(cut(lines, 30, 10**6), points=60)) for _ in range(2))
    assert first == second
    assert all(gzip_time == bytes(4) for gzip_time in (chunk.body[4:8] for chunk in first))


def test_a_chunk_holds_whole_batches_and_says_where_they_lie() -> None:
    lines = [b"m f=%d.0 1\n" % number for number in range(100)]
    result = list(chunks(cut(lines, 30, 10**6), points=60))
    assert [chunk.points for chunk in result] == [60, 40]
    assert [chunk.unpacked_bytes for chunk in result] == [len(b"".join(lines[:60])), len(b"".join(lines[60:]))]
    for chunk, rows in zip(result, (lines[:60], lines[60:]), strict=True):
        assert gzip.decompress(chunk.body) == b"".join(rows)
        for batch in chunk.manifest["batches"]:
            member = chunk.body[batch["offset"] : batch["offset"] + batch["length"]]
            [[first, count]] = batch["rows"]
            assert gzip.decompress(member) == b"".join(lines[first : first + count])
            assert batch["points"] == count


@given(st.integers(1, 5_000_000), st.integers(1, 40))
def test_the_chunks_of_equal_parts_fill_all_lanes_within_the_limits(points: int, parts: int) -> None:
    size = chunk_points(points, parts)
    file_chunks = parts * -(-points // size)
    assert file_chunks <= FILE_CHUNKS
    if size > MAX_CHUNK_POINTS:
        assert file_chunks > FILE_CHUNKS / 2
    elif points >= 200_000 and file_chunks <= FILE_CHUNKS / 2:
        assert file_chunks % LANES == 0


@given(st.sets(st.integers(0, 40), min_size=1))
def test_row_ranges_are_short_and_complete(rows: set[int]) -> None:
    ranges = row_ranges(np.array(sorted(rows), np.int64))
    assert [row for first, count in ranges for row in range(first, first + count)] == sorted(rows)
    assert all(first + count < following for (first, count), (following, _) in pairwise(ranges))
