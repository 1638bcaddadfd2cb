"""Reading a part: every row once, in few reads, in bounded pieces; damage has a name, other errors keep theirs."""

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.convert_and_chunk import window_reader
from functions.convert_and_chunk.row_groups import PartReader
from functions.convert_and_chunk.window_reader import BATCH_BYTES, STREAM_BYTES
from functions.convert_and_chunk.windows import Window, windows
from shared.errors import CorruptParquetError, SourceChangedError
from shared.events import Part
from tests.support.builders import generation, parquet
from tests.support.conversion import whole_part


class Counted(io.BytesIO):
    """A file that counts what is read of it, and that breaks once, at the `read`-th read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.sizes: list[int] = []
        self.break_at(0, EOFError())

    def break_at(self, read: int, error: Exception) -> None:
        self.sizes.clear()
        self._breaks_at, self._error = read, error

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.sizes.append(len(data))
        if len(self.sizes) == self._breaks_at:
            raise self._error
        return data


def reader(content: bytes, part: Part | None = None) -> PartReader:
    return PartReader(io.BytesIO(content), part or whole_part(content), "a file")


def powers(batches: Any) -> list[float]:
    return [value for batch in batches for value in batch.column("power_mw").to_pylist()]


@pytest.mark.parametrize("rows_per_group", [1, 7, 50, 100])
def test_every_row_is_read_once_and_in_order(rows_per_group: int) -> None:
    content = parquet(generation(100), row_group_size=rows_per_group)
    assert powers(reader(content).batches(["power_mw"])) == list(range(100))


@pytest.mark.parametrize(("first", "rows"), [(0, 30), (10, 20), (25, 30), (95, 5)])
def test_a_part_may_begin_and_end_inside_a_row_group(first: int, rows: int) -> None:
    content = parquet(generation(100), row_group_size=50)
    groups = {"first_group": first // 50, "end_group": (first + rows - 1) // 50 + 1}
    part: Part = {"part": 0, "first_row": first, "rows": rows, **groups}  # type: ignore[typeddict-item]
    read = reader(content, part)
    assert powers(read.batches(["power_mw"])) == list(range(first, first + rows))
    assert powers(read.rows_at(np.array([1, rows - 1]))) == [first + 1, first + rows - 1]


def test_row_groups_without_rows_are_skipped() -> None:
    table, sink = generation(4), io.BytesIO()
    with pq.ParquetWriter(sink, table.schema) as writer:
        for first, rows in ((0, 0), (0, 1), (1, 0), (1, 3), (4, 0)):
            writer.write_table(table.slice(first, rows))
    assert pq.read_metadata(sink).num_row_groups == 5
    assert powers(reader(sink.getvalue()).batches(["power_mw"])) == [0, 1, 2, 3]
    assert powers(reader(sink.getvalue()).rows_at(np.array([0, 3]))) == [0, 3]


def test_only_the_requested_rows_are_returned_with_all_their_columns() -> None:
    content = parquet(generation(100, note=["x"] * 100), row_group_size=10)
    result = list(reader(content).rows_at(np.array([0, 3, 57, 99])))
    assert powers(result) == [0, 3, 57, 99]
    assert result[0].schema.names == ["timestamp", "region", "energy_source", "measurement_type", "power_mw", "note"]


def test_row_groups_without_requested_rows_are_not_read() -> None:
    noise = np.random.default_rng(1).random(3_200_000)
    content = parquet(generation(len(noise), power_mw=noise), row_group_size=800_000)
    file = Counted(content)
    read = PartReader(file, whole_part(content), "a file")
    file.sizes.clear()
    assert powers(read.rows_at(np.array([5, 800_005]), ["power_mw"])) == [noise[5], noise[800_005]]
    assert sum(file.sizes) < len(content) / 1.9


def test_small_row_groups_are_fetched_together_and_large_ones_streamed() -> None:
    small = parquet(generation(1000), row_group_size=10)
    [window] = windows(pq.read_metadata(io.BytesIO(small)), whole_part(small), len(small))
    assert (len(window.groups), window.first, window.rows) == (100, 0, 1000)
    file = Counted(small)
    read = PartReader(file, whole_part(small), "a file")
    file.sizes.clear()
    assert powers(read.batches(["power_mw", "timestamp"])) == list(range(1000))
    assert len(file.sizes) < 10


def test_a_large_row_group_is_never_held_whole() -> None:
    noise = np.random.default_rng(1).random(3_000_000)
    content = parquet(generation(len(noise), power_mw=noise), row_group_size=len(noise))
    file = Counted(content)
    read = PartReader(file, whole_part(content), "a file")
    file.sizes.clear()
    assert sum(batch.num_rows for batch in read.batches(["power_mw"])) == len(noise)
    assert max(file.sizes) < 2 * STREAM_BYTES < len(content)


def test_batches_of_wide_rows_are_short() -> None:
    texts = [f"{row:04}" * 25_000 for row in range(1000)]
    content = parquet(generation(1000, note=texts), use_dictionary=False)
    batches = list(reader(content).batches(["note"]))
    assert max(batch.num_rows for batch in batches) < 400


def test_text_arrives_as_a_dictionary() -> None:
    [batch] = reader(parquet(generation(3, region=pa.array(["N", "N", "S"], pa.large_string())))).batches(["region"])
    assert pa.types.is_dictionary(batch.column("region").type)


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.binary_view()], ids=str
)
def test_text_of_every_type_and_encoding_arrives_as_a_dictionary(encoding: str, kind: pa.DataType) -> None:
    regions = pa.array([b"N", None, b"S", b"N"], pa.binary()).cast(kind)
    content = parquet(generation(4, region=regions), use_dictionary=False, column_encoding={"region": encoding})
    [batch] = reader(content).batches(["region"])
    assert batch.column("region").type.value_type == (pa.binary() if "binary" in str(kind) else pa.string())
    assert batch.column("region").cast(pa.binary()).to_pylist() == [b"N", None, b"S", b"N"]


@pytest.mark.parametrize("breaks_at", [1, 3, 5])
def test_a_read_that_arrow_aborts_continues_without_losing_or_repeating_a_row(
    breaks_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is simulated: it needs text in a DELTA encoding after other text, which pyarrow cannot write."""
    monkeypatch.setattr(window_reader, "BATCH_ROWS", 1000)  # which seven row groups are not a multiple of
    regions = [f"R{row // 70}" for row in range(4900)]
    random_texts = np.random.default_rng(1).random(4900)  # so that each row group takes a read of its own
    file = Counted(
        parquet(generation(4900, region=regions, energy_source=None, noise=random_texts), row_group_size=700)
    )
    read = PartReader(file, whole_part(file.getvalue()), "a file")
    file.break_at(breaks_at, OSError("not yet implemented"))
    result = [region for batch in read.batches(["region"]) for region in batch.column("region").to_pylist()]
    assert result == regions
    assert len(file.sizes) > breaks_at


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.binary_view(), b"x"),
        (pa.list_(pa.string_view()), ["x"]),
        (pa.struct([("a", pa.binary_view())]), {"a": b"x"}),
        (pa.map_(pa.string(), pa.string_view()), [("a", "b")]),
        (pa.list_view(pa.int8()), [1]),
        (pa.uuid(), bytes(16)),
        (pa.decimal256(60, 2), 1),
        (pa.null(), None),
    ],
    ids=str,
)
def test_rows_are_returned_whatever_other_columns_contain(kind: pa.DataType, value: Any) -> None:
    content = parquet(generation(4, other=pa.array([value] * 4, kind)))
    [batch] = reader(content).rows_at(np.array([1, 3]))
    assert (powers([batch]), len(batch.column("other"))) == ([1, 3], 2)


def test_a_footer_that_promises_more_rows_is_damage() -> None:
    content = parquet(generation(3))
    part = whole_part(content) | {"rows": 4}
    with pytest.raises(CorruptParquetError, match="it has 3 rows, but its footer says 4"):
        list(reader(content, part).batches(["region"]))


@pytest.mark.parametrize("column", ["power_mw", "region"])
def test_a_flipped_bit_in_a_page_is_damage(column: str) -> None:
    content = bytearray(parquet(generation(1000), compression="none", write_page_checksum=True))
    metadata = pq.read_metadata(io.BytesIO(bytes(content)))
    place = next(c for c in map(metadata.row_group(0).column, range(5)) if c.path_in_schema == column)
    begin = place.dictionary_page_offset or place.data_page_offset
    content[begin + place.total_compressed_size - 8] ^= 1
    with pytest.raises(CorruptParquetError, match=f"a file is damaged in the column '{column}'"):
        list(reader(bytes(content)).batches([column]))


def test_an_index_beyond_its_dictionary_is_damage() -> None:
    """Arrow does not check the index. The test tries each byte of the page to find one that makes it too large."""
    content = parquet(generation(300, region=["A", "B", *["C"] * 298]), compression="none")
    column = pq.read_metadata(io.BytesIO(content)).row_group(0).column(1)
    messages = set()
    for place in range(column.data_page_offset, column.dictionary_page_offset + column.total_compressed_size):
        changed = content[:place] + bytes([content[place] | 3]) + content[place + 1 :]
        try:
            list(reader(changed).batches(["region"]))
        except CorruptParquetError as error:
            messages.add(str(error))
    assert (
        "a file is damaged in the column 'region' (index 3 into a dictionary of 3 values): write it again" in messages
    )


def test_an_error_of_the_source_is_not_taken_for_damage() -> None:
    content = parquet(generation(1000))
    untroubled = Counted(content)
    list(PartReader(untroubled, whole_part(content), "a file").batches(["power_mw", "region"]))
    for read in range(1, len(untroubled.sizes) + 1):
        file = Counted(content)
        file.break_at(read, SourceChangedError("replaced"))
        with pytest.raises(SourceChangedError):
            list(PartReader(file, whole_part(content), "a file").batches(["power_mw", "region"]))


def test_windows_count_rows_from_the_start_of_the_part() -> None:
    content = parquet(generation(100), row_group_size=10)
    part: Part = {"part": 1, "first_group": 4, "end_group": 6, "first_row": 45, "rows": 10}
    [window] = windows(pq.read_metadata(io.BytesIO(content)), part, len(content))
    assert isinstance(window, Window)
    assert (window.groups, window.first, window.rows) == ([4, 5], -5, 20)


@pytest.mark.parametrize("claim", [2**62, 0, -1, -(2**62)])
def test_the_size_that_a_footer_claims_is_used_only_if_it_is_believable(claim: int) -> None:
    """Batches have more than one row, and not all row groups of a large file are one window."""
    group = SimpleNamespace(num_rows=50_000, num_columns=8, total_byte_size=claim)
    footer = SimpleNamespace(row_group=lambda _: group)
    part: Part = {"part": 0, "first_group": 0, "end_group": 20, "first_row": 0, "rows": 1_000_000}
    result = windows(footer, part, file_bytes=1 << 20)
    assert [window.rows for window in result] == ([50_000] * 20 if claim > 0 else [250_000] * 4)
    assert all(BATCH_BYTES * window.rows // window.unpacked_bytes >= 40 for window in result)
