"""Chunks that are staged again without some of their points: those that a newer load has, or that no older load has.

`Restaging.leave_out` prepares the first write of a load, `Restaging.write_again` another one after an older load. Both
read staged chunks, compare their lines with footprints, and stage what remains as new chunks with their own digests.
"""

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice, repeat
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pyarrow as pa

from functions.register_load.footprint_cache import FootprintCache
from functions.register_load.lines import Lines, Mask, parse_lines, select_fields, shared_fields, translate
from shared.datasets import DATASETS
from shared.errors import ChunkDamagedError
from shared.events import Chunk, FileRef
from shared.footprints import Footprint
from shared.packed_batches import PackedBatch, StagedChunk, join_batches, pack
from shared.registrations import Registration
from shared.settings import work_bucket
from shared.stored import Manifest, PartOutcome
from shared.work_bucket import AGAIN, REVISED, chunk_key, get_json, manifest_key, outcome_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Loads = Sequence[Registration]


class RestagedChunk(NamedTuple):
    """A chunk to write in place of another one, None if no line remains, and how much was left out."""

    chunk: Chunk | None
    points_left_out: int = 0
    batches_left_out: int = 0


class Restaging:
    """The staging of one execution's chunks without some of their points."""

    def __init__(self, client: "S3Client", footprints: FootprintCache, file: FileRef, execution: str) -> None:
        self._client = client
        self._footprints = footprints
        self._names = DATASETS[file["dataset"]].field_names
        self._file = file
        self._load = (file["load_id"], execution)

    def own_footprints(self) -> Iterator[Footprint]:
        """Yield the footprint of each part."""
        return self._footprints.parts(self._file["dataset"], *self._load)

    def overlapping(self, loads: Loads) -> list[Registration]:
        """Return the loads that have a value for a field of a point of this one. Most loads of a month have none."""
        return [load for load in loads if any(map(self._overlaps, repeat(load), self.own_footprints()))]

    def _overlaps(self, load: Registration, own: Footprint) -> bool:
        series = pa.array(own.series, pa.string()).take(pa.array(own.points.numbers))
        fields = translate(own.points.fields, own.names, self._names)
        return any(
            np.any(fields & shared_fields(series, own.points.time, self._names, other)) for other in self._parts(load)
        )

    def _parts(self, load: Registration) -> Iterator[Footprint]:
        return self._footprints.parts(load["dataset"], load["load_id"], load["execution"])

    def leave_out(self, chunks: Sequence[Chunk], newer: Loads) -> list[Chunk]:
        """Return the chunks without the values that newer loads have, and update the outcomes of their parts."""

        def keep(lines: Lines) -> Mask:
            return lines.fields & ~self._shared(lines, newer)

        restaged = [self._restage(chunk, chunk["chunk"] + REVISED, keep, reuse=True) for chunk in chunks]
        for part in sorted({_part_of(chunk) for chunk in chunks}):
            self._update_outcome(
                part, [new for new, old in zip(restaged, chunks, strict=True) if _part_of(old) == part]
            )
        return [each.chunk for each in restaged if each.chunk]

    def write_again(self, older: Loads, newer: Loads, number: int) -> list[Chunk]:
        """Return chunks with the values that older loads have too, without those that newer loads have.

        `number` distinguishes the chunks from those that were written again before.
        """

        def keep(lines: Lines) -> Mask:
            return lines.fields & self._shared(lines, older) & ~self._shared(lines, newer)

        chunks = (chunk for part in self._file["parts"] for chunk in self._outcome(f"{part['part']:04}")["chunks"])
        restaged = (self._restage(chunk, f"{chunk['chunk']}{AGAIN}{number}", keep) for chunk in chunks)
        return [each.chunk for each in restaged if each.chunk]

    def _shared(self, lines: Lines, loads: Loads) -> Mask:
        """Return the fields that any of the loads has at the series and time of each line."""
        fields = np.zeros(len(lines.time), np.uint64)
        for load in loads:
            for footprint in self._parts(load):
                fields |= shared_fields(lines.series, lines.time, self._names, footprint)
        return fields

    def _restage(self, chunk: Chunk, name: str, keep: Callable[[Lines], Mask], *, reuse: bool = False) -> RestagedChunk:
        """Stage the lines of a chunk with the fields that `keep` returns. With `reuse`, do not copy an equal chunk."""
        body, manifest = self._read(chunk)
        lines = parse_lines(body, self._names)
        fields = keep(lines)
        if reuse and np.array_equal(fields, lines.fields):
            return RestagedChunk(chunk)
        packed = list(_pack_batches(select_fields(lines, fields, self._names), manifest))
        if not packed:
            return RestagedChunk(None, chunk["points"], len(manifest["batches"]))
        staged = join_batches(packed)
        self._put(name, staged)
        new: Chunk = {"chunk": name, "sha256": staged.sha256, "points": staged.points}
        return RestagedChunk(new, chunk["points"] - staged.points, len(manifest["batches"]) - len(packed))

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

    def _update_outcome(self, part: str, restaged: Iterable[RestagedChunk]) -> None:
        """Replace the chunks in the outcome of a part. A repeated update begins from the same chunks."""
        outcome, restaged = self._outcome(part), list(restaged)
        outcome["chunks"] = [each.chunk for each in restaged if each.chunk]
        outcome["superseded"] = sum(each.points_left_out for each in restaged)
        outcome["superseded_batches"] = sum(each.batches_left_out for each in restaged)
        put_json(self._client, outcome_key(*self._load, part), outcome)

    def _outcome(self, part: str) -> PartOutcome:
        return cast(PartOutcome, get_json(self._client, outcome_key(*self._load, part)))


def _pack_batches(texts: Sequence[str], manifest: Manifest) -> Iterator[PackedBatch]:
    """Yield each batch with the lines that are not empty, if there are any."""
    remaining = iter(texts)
    for batch in manifest["batches"]:
        rows = np.concatenate([np.arange(first, first + count) for first, count in batch["rows"]])
        lines = list(islice(remaining, batch["points"]))
        has_text = np.array([bool(line) for line in lines])
        if has_text.any():
            yield pack("".join(f"{line}\n" for line in lines if line).encode(), rows[has_text])


def _part_of(chunk: Chunk) -> str:
    """Return the part in the name of a chunk, which is "<part>-<number>"."""
    return chunk["chunk"].partition("-")[0]
