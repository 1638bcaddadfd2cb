"""Measure the speed and peak memory of a whole conversion, from the Parquet file to staged chunks, in one process.

    python -m benchmarks.convert_whole FILE

prints {"rows": …, "points": …, "seconds": …, "peak_mib": …, "mapped_mib": …}, where `seconds` is processor time. The
file is read from disk, and the output is discarded instead of being stored in S3.
"""

import io
import json
import sys
from pathlib import Path
from time import process_time
from typing import TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.convert_shapes import Shape, record_batch
from functions.convert_and_chunk.part import convert_part
from functions.validate_schema.footer import row_group_rows
from functions.validate_schema.parts import plan_parts
from shared.events import PartRef, SourceFile
from shared.packed_batches import StagedChunk
from shared.settings import conversion_settings
from shared.stored import PartOutcome

ROW_GROUP_ROWS = 1_000_000
INVALID_EVERY = 100


class Whole(TypedDict):
    """The result of converting all parts of one file, one after the other.

    `peak_mib` is the peak memory, and `mapped_mib` what it has of files at the end, most of which are libraries: the
    kernel maps more of them if they are in its cache in large pieces (85 MiB) than in small ones (60 MiB).
    """

    rows: int
    points: int
    seconds: float
    peak_mib: float
    mapped_mib: float


class NullStaging:
    """A staging area that discards everything."""

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:
        """Discard a chunk."""

    def put_set_aside(self, parquet: bytes) -> None:
        """Discard the rows that were set aside."""

    def put_series(self, keys: pa.Array) -> None:
        """Discard the series."""

    def put_footprint(self, parquet: bytes) -> None:
        """Discard the footprint."""

    def put_outcome(self, outcome: PartOutcome) -> None:
        """Discard the outcome."""


def write_file(file: Path, shape: Shape, rows: int) -> None:
    """Write a Parquet file of the shape. Every hundredth row has no region, so it is set aside."""
    with pq.ParquetWriter(file, record_batch(shape, 1).schema, compression="snappy") as writer:
        for first in range(0, rows, ROW_GROUP_ROWS):
            batch = record_batch(shape, min(ROW_GROUP_ROWS, rows - first), first_row=first)
            regions = batch.column("region").to_numpy(zero_copy_only=False)
            regions[::INVALID_EVERY] = None
            writer.write_batch(batch.set_column(1, "region", pa.array(regions).dictionary_encode()))


def convert(file: Path) -> Whole:
    """Convert all parts of `file` with default settings, but any number of series."""
    source: SourceFile = {
        "load_id": "0123456789abcdef",
        "bucket": "local",
        "key": f"dataset=generation/{file.name}",
        "version_id": "",
        "etag": "",
        "size": file.stat().st_size,
        "dataset": "generation",
        "layout": "wide",
    }
    settings, points = conversion_settings({"MAX_SERIES": "1000000000"}), 0
    parts = plan_parts(row_group_rows(pq.read_metadata(file)))
    started = process_time()
    for part in parts:
        event: PartRef = {"execution": "benchmark", "file": source, "part": part}
        points += convert_part(io.FileIO(file), event, NullStaging(), settings)["points"]
    seconds = process_time() - started
    rows = sum(part["rows"] for part in parts)
    # Not `ru_maxrss`, which would include the parent's memory from before exec.
    peak_mib, mapped_mib = _memory_mib("VmHWM"), _memory_mib("RssFile")
    return {"rows": rows, "points": points, "seconds": seconds, "peak_mib": peak_mib, "mapped_mib": mapped_mib}


def _memory_mib(kind: str) -> float:
    """Return how much memory this process has or had, of a kind that the kernel reports."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return int(status[kind].removesuffix("kB")) / 1024


if __name__ == "__main__":
    pa.set_cpu_count(1)
    print(json.dumps(convert(Path(sys.argv[1]))))
