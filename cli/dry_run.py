"""What a load would do: the deployed conversion, run here, with everything counted and nothing written."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from io import IOBase
from typing import TYPE_CHECKING

from cli.targets import LocalFile, S3Object
from functions.convert_and_chunk.chunks import StagedChunk
from functions.convert_and_chunk.part import convert_part
from functions.validate_schema.handler import plan_file
from functions.validate_schema.pin import not_a_load, pin
from shared.datasets import dataset_of
from shared.errors import LoaderError
from shared.events import SOURCE_FIELDS, PlannedFile, SourceFile
from shared.load_totals import Outcomes, check_any_points
from shared.requested_object import RequestedObject
from shared.settings import ConversionSettings
from shared.source import PinnedObject
from shared.stored import PartOutcome

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FIRST_LINES = 3


@dataclass
class Tally:
    """A staging that counts; `converted` is told the lines of each chunk."""

    converted: Callable[[int], object]
    parts: list[PartOutcome] = field(default_factory=list)
    packed_bytes: int = 0
    first_lines: list[str] = field(default_factory=list)

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:  # noqa: ARG002, D102
        if not self.first_lines:
            first_batch = gzip.decompress(staged.body[: staged.manifest["batches"][0]["length"]])
            self.first_lines = first_batch.decode().splitlines()[:FIRST_LINES]
        self.packed_bytes += len(staged.body)
        self.converted(staged.points)

    def put_set_aside(self, parquet: bytes) -> None:  # noqa: D102
        pass

    def put_outcome(self, outcome: PartOutcome) -> None:  # noqa: D102
        self.parts.append(outcome)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`skipped` says why the object is no load; `error` why its load would fail, which leaves the rest incomplete."""

    file: PlannedFile | None
    tally: Tally
    skipped: str = ""
    error: LoaderError | None = None

    @property
    def outcomes(self) -> Outcomes:
        """As ReportLoad would sum them."""
        return Outcomes(parts=self.tally.parts)


def plan(
    target: LocalFile | S3Object,
    *,
    client: "S3Client",
    bucket: str,
    settings: ConversionSettings,
    planned: Callable[[PlannedFile], object],
    converted: Callable[[int], object],
) -> Plan:
    """Of a file in the source `bucket`, or of one that is still to be put there.

    `planned` is told how much there is to do, `converted` the lines of each chunk. Errors of the object that a load
    would end with are part of the plan.
    """
    tally, file = Tally(converted), None
    requested = RequestedObject(bucket=getattr(target, "bucket", bucket), key=target.key, notified=False)
    if reason := not_a_load(requested):
        return Plan(file=None, tally=tally, skipped=reason)
    try:
        source, pinned = _opened(target, requested, client)
        with source:
            file = plan_file(source, pinned, validate=settings.validate)
            planned(file)
            _convert(source, file, tally, settings)
        check_any_points(Outcomes(parts=tally.parts), file)
    except LoaderError as error:
        return Plan(file=file, tally=tally, error=error)
    return Plan(file=file, tally=tally)


def _opened(target: LocalFile | S3Object, requested: RequestedObject, client: "S3Client") -> tuple[IOBase, SourceFile]:
    """The bytes, and the object that they are or would be."""
    dataset = dataset_of(requested.key)
    if isinstance(target, S3Object):
        pinned = pin(client, requested, requested.version_id).file
        return PinnedObject(client, pinned), pinned
    path = target.path
    return path.open("rb"), {
        "load_id": "",
        "bucket": requested.bucket,
        "key": requested.key,
        "version_id": "",
        "etag": "",
        "size": path.stat().st_size,
        "dataset": dataset.name,
        "layout": "wide",
    }


def _convert(source: IOBase, file: PlannedFile, tally: Tally, settings: ConversionSettings) -> None:
    """As ConvertParts does, one part after the other."""
    pinned = SourceFile(**{name: file[name] for name in SOURCE_FIELDS})  # type: ignore[literal-required, typeddict-item]
    for part in file["parts"]:
        convert_part(source, {"execution": "plan", "file": pinned, "part": part}, tally, settings)
