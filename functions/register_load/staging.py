"""The staged chunks of one execution: `Staging.restage` stages the lines of a chunk again, with some of their fields.

A chunk that is staged again has another name and its own digest.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from functions.register_load.lines import Lines, parse_lines, select_fields
from shared.datasets import DATASETS
from shared.errors import ChunkDamagedError
from shared.events import Chunk, FileRef
from shared.load_totals import Outcomes
from shared.packed_batches import PackedBatch, StagedChunk, join_batches, pack
from shared.point_index import Mask
from shared.registrations import Registration
from shared.settings import work_bucket
from shared.stored import Manifest, PartOutcome
from shared.work_bucket import (
    AGAIN,
    chunk_key,
    footprint_prefix,
    get_json,
    manifest_key,
    outcome_key,
    points_quarantine_key,
    put_json,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Rows = NDArray[np.int64]
"""The source row of each line of a chunk."""


class RestagedChunk(NamedTuple):
    """A chunk to write in place of another one, None if no line remains, and how much was left out."""

    chunk: Chunk | None
    points_left_out: int = 0
    batches_left_out: int = 0


class Staging:
    """The chunks of one execution in the work bucket, and the outcomes of its parts."""

    def __init__(self, client: "S3Client", file: FileRef, execution: str) -> None:
        self._client = client
        self._names = DATASETS[file["dataset"]].field_names
        self._dataset = file["dataset"]
        self._load = (file["load_id"], execution)

    def restage(
        self, chunk: Chunk, name: str, keep: Callable[[Lines, Rows], Mask], *, reuse: bool = False
    ) -> RestagedChunk:
        """Stage the lines of a chunk with the fields that `keep` returns. With `reuse`, do not copy an equal chunk."""
        body, manifest = self._read(chunk)
        lines, rows = parse_lines(body, self._names), source_rows(manifest)
        fields = keep(lines, rows)
        if reuse and np.array_equal(fields, lines.fields):
            return RestagedChunk(chunk)
        staged = select_lines(lines, fields, rows, manifest, self._names)
        if staged is None:
            return RestagedChunk(None, chunk["points"], len(manifest["batches"]))
        self._put(name, staged)
        new: Chunk = {"chunk": name, "sha256": staged.sha256, "points": staged.points}
        batches_left_out = len(manifest["batches"]) - len(staged.manifest["batches"])
        return RestagedChunk(new, chunk["points"] - staged.points, batches_left_out)

    def read_lines(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Lines, Rows]]:
        """Yield the lines of each chunk, and their source rows."""
        for chunk in chunks:
            body, manifest = self._read(chunk)
            yield parse_lines(body, self._names), source_rows(manifest)

    def lost_rows(self, chunk: Chunk, outcomes: Outcomes) -> list[int]:
        """Return the source rows of a chunk whose points InfluxDB rejected, or may have, whenever it was written."""
        again = chunk["chunk"] + AGAIN
        losses = [
            outcome["chunk"]
            for outcome in (*outcomes.chunks, *outcomes.chunks_again)
            if (outcome["chunk"] == chunk["chunk"] or outcome["chunk"].startswith(again))
            and (outcome["refused"] or outcome.get("unknown"))
        ]
        return [json.loads(line)["source_row"] for name in losses for line in self._rejected_points(name)]

    def _rejected_points(self, name: str) -> list[bytes]:
        key = points_quarantine_key(self._dataset, *self._load, name)
        return gzip.decompress(self._client.get_object(Bucket=work_bucket(), Key=key)["Body"].read()).splitlines()

    def chunks(self, part: str) -> list[Chunk]:
        """Return the chunks of a part that are written first."""
        return self._outcome(part)["chunks"]

    def update_outcome(self, part: str, restaged: Iterable[RestagedChunk], newer: Iterable[Registration]) -> None:
        """Replace the chunks in the outcome of a part. A repeated update begins from the same chunks.

        Args:
            part: The part.
            restaged: Its chunks.
            newer: The loads whose values they do not contain any more.
        """
        outcome, restaged = self._outcome(part), list(restaged)
        outcome["chunks"] = [each.chunk for each in restaged if each.chunk]
        outcome["superseded"] = sum(each.points_left_out for each in restaged)
        outcome["superseded_batches"] = sum(each.batches_left_out for each in restaged)
        outcome["superseded_by"] = [
            footprint_prefix(load["dataset"], load["load_id"], load["execution"]) for load in newer
        ]
        put_json(self._client, outcome_key(*self._load, part), outcome)

    def _read(self, chunk: Chunk) -> tuple[bytes, Manifest]:
        """Return the lines of a chunk and its manifest."""
        key = chunk_key(*self._load, chunk["chunk"])
        content = self._client.get_object(Bucket=work_bucket(), Key=key)["Body"].read()
        if sha256(content).hexdigest() != chunk["sha256"]:
            raise ChunkDamagedError(f"chunk {chunk['chunk']} was altered after it was staged: load the file again")
        manifest = cast(Manifest, get_json(self._client, manifest_key(*self._load, chunk["chunk"])))
        return gzip.decompress(content), manifest

    def _put(self, name: str, staged: StagedChunk) -> None:
        self._client.put_object(Bucket=work_bucket(), Key=chunk_key(*self._load, name), Body=staged.body)
        put_json(self._client, manifest_key(*self._load, name), staged.manifest)

    def _outcome(self, part: str) -> PartOutcome:
        return cast(PartOutcome, get_json(self._client, outcome_key(*self._load, part)))


def source_rows(manifest: Manifest) -> Rows:
    """Return the source row of each line of a chunk."""
    ranges = (range_ for batch in manifest["batches"] for range_ in batch["rows"])
    return np.concatenate([np.arange(first, first + count) for first, count in ranges])


def select_lines(
    lines: Lines, fields: Mask, rows: Rows, manifest: Manifest, names: Sequence[str]
) -> StagedChunk | None:
    """Return a chunk of the lines with these of their fields, in the same batches, or None if no line remains.

    Args:
        lines: The lines of the chunk.
        fields: The fields of each line.
        rows: The source row of each line.
        manifest: The manifest of the chunk.
        names: The fields of the dataset.
    """
    packed = list(_pack_batches(select_fields(lines, fields, names), rows, manifest))
    return join_batches(packed) if packed else None


def _pack_batches(texts: Sequence[str], rows: Rows, manifest: Manifest) -> Iterator[PackedBatch]:
    """Yield each batch with the lines that are not empty, if there are any."""
    remaining, first = iter(texts), 0
    for batch in manifest["batches"]:
        lines = list(islice(remaining, batch["points"]))
        has_text = np.array([bool(line) for line in lines])
        if has_text.any():
            batch_rows = rows[first : first + len(lines)][has_text]
            yield pack("".join(f"{line}\n" for line in lines if line).encode(), batch_rows)
        first += len(lines)
