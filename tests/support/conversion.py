"""Conversion without S3: a Parquet file read, judged and rendered by the very functions that ConvertAndChunk calls."""

import gzip
import io
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from functions.convert_and_chunk.part import packed_batches, read_records
from functions.convert_and_chunk.records import Records
from functions.convert_and_chunk.row_groups import PartReader
from shared.datasets import DATASETS, Dataset
from shared.events import Part
from shared.settings import ConversionSettings
from tests.support.builders import parquet

GENERATION = DATASETS["generation"]
SETTINGS = ConversionSettings(max_batch_size=1000, validate=True, drop_invalid_records=True, max_collision_rate=1.0)


class Converted(NamedTuple):
    """`set_aside` maps rows to rules."""

    lines: list[str]
    set_aside: dict[int, str]
    records: Records


class Nowhere:
    """Staging that keeps nothing."""

    def put_chunk(self, chunk: str, staged: object) -> None: ...
    def put_set_aside(self, parquet: bytes) -> None: ...
    def put_outcome(self, outcome: object) -> None: ...


def whole(content: bytes) -> Part:
    """The one part of a small file."""
    metadata = pq.read_metadata(io.BytesIO(content))
    groups, rows = metadata.num_row_groups, metadata.num_rows
    return {"part": 0, "first_group": 0, "end_group": groups, "first_row": 0, "rows": rows}


def converted(
    table: pa.Table | bytes,
    dataset: Dataset = GENERATION,
    *,
    part: Part | None = None,
    validate: bool = True,
    max_lines: int = 1000,
) -> Converted:
    """What becomes of every row of the whole file, or of one part."""
    content = table if isinstance(table, bytes) else parquet(table)
    part = part or whole(content)
    settings = ConversionSettings(
        max_batch_size=max_lines, validate=validate, drop_invalid_records=True, max_collision_rate=1.0
    )
    records = read_records(PartReader(io.BytesIO(content), part, "a file"), part["rows"], dataset, settings)
    records.judge_repeated_points()
    body = b"".join(gzip.decompress(batch.member) for batch in packed_batches(records, 0, max_lines))
    verdicts = records.verdicts
    rules: dict[int, str] = {int(row): verdicts.reason(verdicts.codes[row]).rule for row in verdicts.set_aside_rows}
    return Converted(body.decode().split("\n")[:-1], rules, records)
