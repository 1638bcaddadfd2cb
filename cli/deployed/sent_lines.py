"""The line protocol that a load sent.

`sent_lines` reads the staged chunks. If they have expired, it converts the source object again, without the rows whose
place later parts took, and the values of newer files (`revised_chunks`). It uses the result only if it has the checksum
of the chunk that was sent.
"""

import gzip
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from cli.deployed.missing_rows import missing_rows
from cli.deployed.quarantine import rejected_lines
from cli.deployed.reports import Report
from cli.deployed.revised_chunks import revised_chunks
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from functions.convert_and_chunk.part import convert_part
from functions.register_load.staging import Rows
from shared.datasets import DATASETS
from shared.events import SOURCE_FIELDS, Chunk, FileRef, PartRef, SourceFile
from shared.footprints import Footprint, read_footprint
from shared.losing_rows import NO_LOSING_ROWS
from shared.packed_batches import StagedChunk
from shared.settings import conversion_settings
from shared.source import PinnedObject
from shared.stored import PartOutcome
from shared.work_bucket import DISTINCT, REVISED, chunk_key, footprint_key


@dataclass
class ChunkBodies:
    """A staging area in memory that keeps chunks and discards everything else."""

    chunks: dict[str, StagedChunk] = field(default_factory=dict)

    @property
    def bodies(self) -> dict[str, bytes]:
        """The bodies of the chunks by name."""
        return {name: chunk.body for name, chunk in self.chunks.items()}

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:
        """Keep the chunk."""
        self.chunks[chunk] = staged

    def put_set_aside(self, parquet: bytes) -> None:
        """Discard the rows: verification needs only what was sent."""

    def put_series(self, keys: pa.Array) -> None:
        """Discard the series."""

    def put_footprint(self, parquet: bytes) -> None:
        """Discard the footprint."""

    def put_outcome(self, outcome: PartOutcome) -> None:
        """Discard the outcome: the report already has it."""


def sent_lines(
    deployment: Deployment, report: Report, file: FileRef, parts: Collection[PartOutcome]
) -> Iterator[pa.StringArray]:
    """Yield the lines of each chunk, without the points that InfluxDB rejected.

    Args:
        deployment: The stack that sent them.
        report: The report of the load.
        file: The pinned object of the load.
        parts: The outcomes of the parts to read.

    Raises:
        RefusedError: The chunks have expired, and converting the file again gives other lines.
    """
    rejected = pa.array(rejected_lines(deployment, report), pa.string())
    for outcome in parts:
        bodies = _read_staged(deployment, report, file, outcome) or _convert(deployment, report, file, outcome)
        for chunk in outcome["chunks"]:
            lines = _lines(bodies, chunk)
            yield lines.filter(pc.invert(pc.is_in(lines, value_set=rejected))) if len(rejected) else lines


def _read_staged(deployment: Deployment, report: Report, file: FileRef, outcome: PartOutcome) -> dict[str, bytes]:
    """Return the bodies of the part's chunks by name; {} if one of them has expired."""
    try:
        return {
            chunk["chunk"]: deployment.work_object(chunk_key(file["load_id"], report.execution, chunk["chunk"]))
            for chunk in outcome["chunks"]
        }
    except NotFoundError:
        return {}


def _convert(deployment: Deployment, report: Report, file: FileRef, outcome: PartOutcome) -> dict[str, bytes]:
    """Convert the part again from the pinned version of the source object, and return the bodies by name.

    The chunks have the size that they had then, which may be that of another release.
    """
    pinned = cast(SourceFile, {name: file[name] for name in SOURCE_FIELDS})  # type: ignore[literal-required]
    part = next(part for part in file["parts"] if part["part"] == outcome["part"])
    staging, event = ChunkBodies(), PartRef(execution="verify", file=pinned, part=part)
    settings, size = conversion_settings(deployment.conversion_environment()), _chunk_size(outcome)
    with PinnedObject(deployment.s3, pinned) as source:
        convert_part(source, event, staging, settings, size=size)
        if any(DISTINCT in chunk["chunk"] for chunk in outcome["chunks"]):
            losing = NO_LOSING_ROWS._replace(collapsed=_missing_rows(deployment, report, file, outcome, staging))
            convert_part(source, {**event, "losing_rows": True}, staging, settings, size=size, losing=losing)
    if outcome.get("superseded_by"):
        footprint = _footprint(deployment, report, file, outcome)
        return staging.bodies | revised_chunks(deployment, outcome, staging.chunks, footprint)
    return staging.bodies


def _missing_rows(
    deployment: Deployment, report: Report, file: FileRef, outcome: PartOutcome, staging: ChunkBodies
) -> Rows:
    """Return the rows of a part whose place later parts took, by the footprint, which does not expire."""
    names = DATASETS[file["dataset"]].field_names
    return missing_rows(list(staging.chunks.values()), _footprint(deployment, report, file, outcome), names)


def _footprint(deployment: Deployment, report: Report, file: FileRef, outcome: PartOutcome) -> Footprint:
    key = footprint_key(file["dataset"], file["load_id"], report.execution, outcome["part"])
    return read_footprint(deployment.work_object(key))


def _chunk_size(outcome: PartOutcome) -> int | None:
    """Return the points of a chunk before values of newer files were left out; None if no chunk tells.

    The last chunk of a part may be shorter, so it tells only if it is the first one too.
    """
    names = [chunk["chunk"] for chunk in outcome["chunks"]]
    return next(
        (
            chunk["points"]
            for chunk in outcome["chunks"]
            if REVISED not in chunk["chunk"] and (chunk["chunk"] < max(names) or "-0000" in chunk["chunk"])
        ),
        None,
    )


def _lines(bodies: dict[str, bytes], chunk: Chunk) -> pa.StringArray:
    body = bodies.pop(chunk["chunk"], b"")
    if not body and REVISED in chunk["chunk"]:
        raise RefusedError(
            f"chunk {chunk['chunk']} has expired. An earlier release sent it without the values of newer files, and "
            "did not record which: load the file again (`loader load … --force`), then verify that load"
        )
    if sha256(body).hexdigest() != chunk["sha256"]:
        raise RefusedError(
            f"chunk {chunk['chunk']} has expired, and with the deployed release and settings the file converts to "
            "other lines: load it again (`loader load … --force`), then verify that load"
        )
    text = pa.array([gzip.decompress(body).removesuffix(b"\n")], pa.string())
    return pc.list_flatten(pc.split_pattern(text, "\n"))
