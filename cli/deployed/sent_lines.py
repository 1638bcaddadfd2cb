"""The lines that a load sent: as they were staged or, when those have expired, converted anew and proven the same."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast

from cli.deployed.quarantine import set_aside
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
class Kept:
    """A staging that keeps the bodies of chunks."""

    bodies: dict[str, bytes] = field(default_factory=dict)

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:  # noqa: D102
        self.bodies[chunk] = staged.body

    def put_set_aside(self, parquet: bytes) -> None:  # noqa: D102
        pass

    def put_outcome(self, outcome: PartOutcome) -> None:  # noqa: D102
        pass


def sent_lines(deployment: Deployment, report: Report, file: FileRef) -> Iterator[list[bytes]]:
    """Chunk by chunk, without the points that InfluxDB refused. Raises RefusedError where nothing tells them."""
    refused = {each.record["line"].encode() for each in set_aside(deployment, report) if each.rule == REJECTED}
    for outcome in report.outcomes.parts:
        bodies = _staged(deployment, report, file, outcome) or _converted(deployment, file, outcome)
        for chunk in outcome["chunks"]:
            yield [line for line in _lines(bodies, chunk) if line not in refused]


def _staged(deployment: Deployment, report: Report, file: FileRef, outcome: PartOutcome) -> dict[str, bytes]:
    """Nothing where a chunk is gone."""
    try:
        return {
            chunk["chunk"]: deployment.work_object(chunk_key(file["load_id"], report.execution, chunk["chunk"]))
            for chunk in outcome["chunks"]
        }
    except NotFoundError:
        return {}


def _converted(deployment: Deployment, file: FileRef, outcome: PartOutcome) -> dict[str, bytes]:
    """From the pinned version of the source, as long as that is there."""
    pinned = cast(SourceFile, {name: file[name] for name in SOURCE_FIELDS})  # type: ignore[literal-required]
    part = next(part for part in file["parts"] if part["part"] == outcome["part"])
    kept, event = Kept(), PartRef(execution="verify", file=pinned, part=part)
    with PinnedObject(deployment.s3, pinned) as source:
        convert_part(source, event, kept, conversion_settings(deployment.conversion_environment()))
    return kept.bodies


def _lines(bodies: dict[str, bytes], chunk: Chunk) -> list[bytes]:
    body = bodies.get(chunk["chunk"], b"")
    if sha256(body).hexdigest() != chunk["sha256"]:
        raise RefusedError(
            f"chunk {chunk['chunk']} is no longer staged, and the file converts otherwise by now (another release or "
            "other settings): load it again, then verify that load"
        )
    return gzip.decompress(body).splitlines()
