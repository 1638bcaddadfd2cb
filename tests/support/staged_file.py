"""The whole load of a file up to its first write, without AWS: what ValidateSchema and ConvertAndChunk make of it."""

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from functions.convert_and_chunk.part import convert_part
from functions.validate_schema.handler import plan_file
from shared.events import SOURCE_FIELDS, PlannedFile, SourceFile
from shared.packed_batches import StagedChunk
from shared.stored import PartOutcome
from tests.support.conversion import SETTINGS, DiscardingStaging

LAST_MODIFIED = 1_767_225_600
"""2026-01-01T00:00:00Z: times are plausible until ten years later."""


@dataclass
class StagedFile(DiscardingStaging):
    """A staging area in memory: the lines, the rows that were set aside, and the outcome of each part."""

    lines: list[str] = field(default_factory=list)
    quarantine: list[pa.Table] = field(default_factory=list)
    outcomes: list[PartOutcome] = field(default_factory=list)

    def put_chunk(self, chunk: str, staged: object) -> None:  # noqa: ARG002 - the signature of a staging area
        assert isinstance(staged, StagedChunk)
        self.lines += gzip.decompress(staged.body).decode().splitlines()

    def put_set_aside(self, parquet: bytes) -> None:
        self.quarantine.append(pq.ParquetFile(io.BytesIO(parquet)).read())

    def put_outcome(self, outcome: object) -> None:
        self.outcomes.append(cast(PartOutcome, outcome))

    @property
    def rows_set_aside(self) -> dict[int, str]:
        """The rule of each row that was set aside."""
        rows = [row for table in self.quarantine for row in table.select(["source_row", "rule"]).to_pylist()]
        return {row["source_row"]: row["rule"] for row in rows}

    @property
    def samples(self) -> Iterator[dict[str, str]]:
        """The texts of the samples of all reasons."""
        for outcome in self.outcomes:
            for reason in outcome["reasons"]:
                yield from (sample["record"] for sample in reason["samples"])


def stage(content: bytes, dataset: str = "generation", **settings: Any) -> StagedFile:
    """Convert a file of a dataset; `settings` replace those of `ConversionSettings`."""
    staged, used = StagedFile(), replace(SETTINGS, **settings)
    file = planned_file(content, dataset)
    source = SourceFile(**{name: file[name] for name in SOURCE_FIELDS})  # type: ignore[literal-required, typeddict-item]
    for part in file["parts"]:
        convert_part(io.BytesIO(content), {"execution": "test", "file": source, "part": part}, staged, used)
    return staged


def planned_file(content: bytes, dataset: str = "generation") -> PlannedFile:
    """Check the footer of a file, and plan its parts."""
    file: SourceFile = {
        "load_id": "",
        "bucket": "source",
        "key": f"dataset={dataset}/file.parquet",
        "version_id": "",
        "etag": "",
        "size": len(content),
        "dataset": dataset,
        "layout": "wide",
    }
    return plan_file(io.BytesIO(content), file, validate=True, last_modified=LAST_MODIFIED)
