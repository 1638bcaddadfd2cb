"""The line protocol that a load sent.

`sent_lines` reads the staged chunks. If they have expired, it converts the source object again, and uses the result
only if it has the checksum of the chunk that was sent.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast

from cli.deployed.quarantine import read_quarantine
from cli.deployed.reports import Report
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from functions.convert_and_chunk.chunks import StagedChunk
from functions.convert_and_chunk.part import convert_part
from shared.events import SOURCE_FIELDS, Chunk, FileRef, PartRef, SourceFile
from shared.settings import conversion_settings
from shared.source import PinnedObject
from shared.stored import REJECTED, PartOutcome
from shared.work_bucket import chunk_key


@dataclass
class ChunkBodies:
    """A staging area in memory that keeps the bodies of chunks and discards everything else."""

    bodies: dict[str, bytes] = field(default_factory=dict)

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:
        """Keep the body."""
        self.bodies[chunk] = staged.body

    def put_set_aside(self, parquet: bytes) -> None:
        """Discard the rows: verification needs only what was sent."""

    def put_outcome(self, outcome: PartOutcome) -> None:
        """Discard the outcome: the report already has it."""


def sent_lines(deployment: Deployment, report: Report, file: FileRef) -> Iterator[list[bytes]]:
    """Yield the lines of each chunk, without the points that InfluxDB rejected.

    Raises:
        RefusedError: The chunks have expired, and converting the file again gives other lines.
    """
    quarantine = read_quarantine(deployment, report)
    rejected = {point.record["line"].encode() for point in quarantine if point.rule == REJECTED}
    for outcome in report.outcomes.parts:
        bodies = _read_staged(deployment, report, file, outcome) or _convert(deployment, file, outcome)
        for chunk in outcome["chunks"]:
            yield [line for line in _lines(bodies, chunk) if line not in rejected]


def _read_staged(deployment: Deployment, report: Report, file: FileRef, outcome: PartOutcome) -> dict[str, bytes]:
    """Return the bodies of the part's chunks by name; {} if one of them has expired."""
    try:
        return {
            chunk["chunk"]: deployment.work_object(chunk_key(file["load_id"], report.execution, chunk["chunk"]))
            for chunk in outcome["chunks"]
        }
    except NotFoundError:
        return {}


def _convert(deployment: Deployment, file: FileRef, outcome: PartOutcome) -> dict[str, bytes]:
    """Convert the part again from the pinned version of the source object, and return the bodies by name."""
    pinned = cast(SourceFile, {name: file[name] for name in SOURCE_FIELDS})  # type: ignore[literal-required]
    part = next(part for part in file["parts"] if part["part"] == outcome["part"])
    staging, event = ChunkBodies(), PartRef(execution="verify", file=pinned, part=part)
    with PinnedObject(deployment.s3, pinned) as source:
        convert_part(source, event, staging, conversion_settings(deployment.conversion_environment()))
    return staging.bodies


def _lines(bodies: dict[str, bytes], chunk: Chunk) -> list[bytes]:
    body = bodies.get(chunk["chunk"], b"")
    if sha256(body).hexdigest() != chunk["sha256"]:
        raise RefusedError(
            f"chunk {chunk['chunk']} has expired, and with the deployed release and settings the file converts to "
            "other lines: load it again (`loader load … --force`), then verify that load"
        )
    return gzip.decompress(body).splitlines()
