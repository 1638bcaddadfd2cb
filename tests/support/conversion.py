"""Conversion without S3: it reads, judges and renders a Parquet file with the functions that ConvertAndChunk calls."""

import gzip
import io
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from functions.convert_and_chunk.part import convert_part, packed_batches, read_records
from functions.convert_and_chunk.records import Records
from functions.convert_and_chunk.row_groups import PartReader
from shared.datasets import DATASETS, Dataset
from shared.events import ConvertedPart, Part, SourceFile
from shared.plausible_times import NO_LIMITS, TimeLimits
from shared.settings import ConversionSettings
from tests.support.builders import parquet

GENERATION = DATASETS["generation"]
SETTINGS = ConversionSettings(
    max_batch_size=1000, validate=True, drop_invalid_records=True, max_collision_rate=1.0, max_series=100_000
)


class Conversion(NamedTuple):
    """The line protocol of a file, its rows that were set aside (row number to rule), and its records."""

    lines: list[str]
    set_aside: dict[int, str]
    records: Records


class DiscardingStaging:
    """A staging area that discards everything."""

    def put_chunk(self, chunk: str, staged: object) -> None: ...
    def put_set_aside(self, parquet: bytes) -> None: ...
    def put_series(self, keys: object) -> None: ...
    def put_footprint(self, parquet: bytes) -> None: ...
    def put_outcome(self, outcome: object) -> None: ...


def whole_part(content: bytes) -> Part:
    """Return the part that covers all row groups of the file."""
    metadata = pq.read_metadata(io.BytesIO(content))
    groups, rows = metadata.num_row_groups, metadata.num_rows
    return {"part": 0, "first_group": 0, "end_group": groups, "first_row": 0, "rows": rows}


def convert_table(
    table: pa.Table | bytes,
    dataset: Dataset = GENERATION,
    *,
    part: Part | None = None,
    validate: bool = True,
    max_lines: int = 1000,
    limits: TimeLimits = NO_LIMITS,
    key: str = "",
) -> Conversion:
    """Convert the whole file, or only `part` of it."""
    content = table if isinstance(table, bytes) else parquet(table)
    part = part or whole_part(content)
    settings = replace(SETTINGS, max_batch_size=max_lines, validate=validate)
    reader = PartReader(io.BytesIO(content), part, "a file")
    records = read_records(reader, part["rows"], dataset, settings, limits, key=key)
    records.judge_repeated_points()
    body = b"".join(gzip.decompress(batch.member) for batch in packed_batches(records, 0, max_lines))
    verdicts = records.verdicts
    rules: dict[int, str] = {int(row): verdicts.reason(verdicts.codes[row]).rule for row in verdicts.set_aside_rows}
    return Conversion(body.decode().split("\n")[:-1], rules, records)


def stage_file(file: Path, *, max_series: int = 10_000_000) -> ConvertedPart:
    """Convert the whole file as ConvertAndChunk does, and discard the chunks."""
    with file.open("rb") as source:
        part = whole_part(file.read_bytes())
        pinned: SourceFile = {
            "load_id": "0123456789abcdef",
            "bucket": "bucket",
            "key": "dataset=generation/a.parquet",
            "version_id": "",
            "etag": "",
            "size": file.stat().st_size,
            "dataset": "generation",
            "layout": "wide",
        }
        settings = replace(SETTINGS, max_batch_size=5000, max_series=max_series)
        return convert_part(source, {"execution": "e", "file": pinned, "part": part}, DiscardingStaging(), settings)
