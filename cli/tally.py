"""A staging area for a dry run, which counts what is staged, and stores nothing."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from shared.packed_batches import StagedChunk
from shared.stored import PartOutcome
from shared.work_bucket import DISTINCT

FIRST_LINES, FIRST_CHUNK = 3, "0000-0000"
"""How many lines of line protocol to keep as an example, and the name of the chunk that they are from."""


@dataclass
class Tally:
    """A staging area that counts. It calls `on_chunk` with the number of points of each chunk."""

    on_chunk: Callable[[int], object]
    outcomes: dict[int, PartOutcome] = field(default_factory=dict)
    series_keys: set[str] = field(default_factory=set)
    chunk_bytes: dict[str, int] = field(default_factory=dict)
    first_lines: list[str] = field(default_factory=list)

    @property
    def parts(self) -> list[PartOutcome]:
        """The outcomes of the parts that were converted, in order."""
        return [self.outcomes[part] for part in sorted(self.outcomes)]

    @property
    def packed_bytes(self) -> int:
        """The size of the chunks that would be written."""
        return sum(self.chunk_bytes[chunk["chunk"]] for part in self.parts for chunk in part["chunks"])

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:
        """Count the bytes of a chunk, and keep the first lines of the first one."""
        if not self.first_lines or chunk.startswith(FIRST_CHUNK):
            first_batch = gzip.decompress(staged.body[: staged.manifest["batches"][0]["length"]])
            self.first_lines = first_batch.decode().splitlines()[:FIRST_LINES]
        self.chunk_bytes[chunk] = len(staged.body)
        if not chunk.endswith(DISTINCT):  # its points were counted before
            self.on_chunk(staged.points)

    def put_set_aside(self, parquet: bytes) -> None:
        """Discard the rows: the outcome counts them."""

    def put_series(self, keys: pa.Array) -> None:
        """Keep the series of a part, if it is one of several."""
        self.series_keys.update(keys.to_pylist())

    def put_footprint(self, parquet: bytes) -> None:
        """Discard the footprint."""

    def put_outcome(self, outcome: PartOutcome) -> None:
        """Keep the outcome of a part, in place of that of its first conversion."""
        self.outcomes[outcome["part"]] = outcome
