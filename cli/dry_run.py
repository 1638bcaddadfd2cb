"""A dry run of a load: the deployed conversion runs on this machine, and its output is counted instead of stored.

`plan` opens the target, reads its footer with the code of ValidateSchema, and converts part after part with the code of
ConvertAndChunk. A `Tally` takes the place of the work bucket. The parts of a large file are compared with each other,
and converted again without the rows that lose their place to later parts (`KeptParts`).
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import IOBase
from pathlib import Path
from typing import TYPE_CHECKING

from cli.kept_parts import KeptParts
from cli.tally import Tally
from cli.targets import LocalFile, S3Object
from functions.convert_and_chunk.memory import bounded_memory
from functions.convert_and_chunk.part import convert_part
from functions.register_load.parts import check_collisions
from functions.validate_schema.handler import plan_file
from functions.validate_schema.pin import pin, reason_not_to_load
from shared.dataset_keys import dataset_of
from shared.datasets import DATASETS, Dataset
from shared.errors import LoaderError
from shared.events import SOURCE_FIELDS, Part, PartRef, PlannedFile, SourceFile
from shared.load_limits import check_any_points, check_set_aside, set_aside_limit
from shared.load_totals import Outcomes
from shared.plausibility import Plausibility, plausibility
from shared.requested_object import RequestedObject
from shared.series_limit import check_series, series_limit
from shared.settings import ConversionSettings, conversion_settings, file_rule
from shared.source import PinnedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The result of a dry run.

    `skipped` is the reason why the object would be skipped, `error` the error that its load would end with. The rest
    is incomplete then. `shard_seconds` is the shard group duration of the bucket, None if it is not known.
    """

    file: PlannedFile | None
    tally: Tally
    skipped: str = ""
    error: LoaderError | None = None
    shard_seconds: int | None = None

    @property
    def plausibility(self) -> Plausibility:
        """The times, series and shards of the points, with warnings and notes."""
        dataset = DATASETS.get(self.file["dataset"]) if self.file else None
        return plausibility(self.outcomes, dataset, self.shard_seconds)

    @property
    def outcomes(self) -> Outcomes:
        """The outcomes of all parts, with the totals that ReportLoad would report."""
        return Outcomes(parts=self.tally.parts)


def plan(
    target: LocalFile | S3Object,
    *,
    client: "S3Client",
    bucket: str,
    environment: Mapping[str, str],
    on_file: Callable[[PlannedFile], object],
    on_chunk: Callable[[int], object],
    shard_seconds: Callable[[Dataset], int | None] = lambda _: None,
) -> Plan:
    """Run the conversion of a file without writing anything.

    Args:
        target: An object in S3, or a local file that would be uploaded to `bucket`.
        client: The client that reads an object in S3.
        bucket: The source bucket, for a local file.
        environment: The environment of ConvertAndChunk, with its settings and its memory.
        on_file: Called once with the file, when its number of rows is known.
        on_chunk: Called with the number of points of each chunk.
        shard_seconds: Returns the shard group duration of a dataset's bucket, None if it is not known.

    Returns:
        The plan. An error that would end the load is part of the plan, and is not raised.
    """
    tally, file, settings = Tally(on_chunk), None, conversion_settings(environment)
    requested = RequestedObject(bucket=getattr(target, "bucket", bucket), key=target.key, notified=False)
    if reason := reason_not_to_load(requested, file_rule(environment)):
        return Plan(file=None, tally=tally, skipped=reason)
    try:
        source, pinned, last_modified = _open(target, requested, client)
        with source:
            file = plan_file(source, pinned, validate=settings.validate, last_modified=last_modified)
            on_file(file)
            convert_file(source, file, tally, settings, environment)
    except LoaderError as error:
        return Plan(file=file, tally=tally, error=error)
    return Plan(file=file, tally=tally, shard_seconds=shard_seconds(dataset_of(file["key"])) if tally.parts else None)


def _check_limits(file: PlannedFile, tally: Tally, settings: ConversionSettings) -> None:
    """Check the limits on the whole file, in the order in which the states of a load do."""
    dataset, outcomes = dataset_of(file["key"]), Outcomes(parts=tally.parts)
    check_series(tally.series_keys, series_limit(dataset, settings.max_series))
    check_set_aside(outcomes, file["rows"], set_aside_limit(dataset, settings.max_set_aside_rate))
    check_any_points(outcomes, file)


def _open(
    target: LocalFile | S3Object, requested: RequestedObject, client: "S3Client"
) -> tuple[IOBase, SourceFile, int]:
    """Open the target.

    Returns:
        The content, the object that it is or would be after an upload, and when that object was last modified, in
        seconds since 1970.
    """
    dataset = dataset_of(requested.key)
    if isinstance(target, S3Object):
        pinned = pin(client, requested, requested.version_id)
        return PinnedObject(client, pinned.file), pinned.file, int(pinned.last_modified.timestamp())
    path = target.path
    file: SourceFile = {
        "load_id": "",
        "bucket": requested.bucket,
        "key": requested.key,
        "version_id": "",
        "etag": "",
        "size": path.stat().st_size,
        "dataset": dataset.name,
        "layout": "wide",
    }
    return path.open("rb"), file, int(datetime.now(UTC).timestamp())


def convert_file(
    source: IOBase, file: PlannedFile, tally: Tally, settings: ConversionSettings, environment: Mapping[str, str]
) -> None:
    """Convert all parts, one after another, and check the limits on the whole file, in the order of a load's states."""
    several, parts = len(file["parts"]) > 1, file["parts"]
    with tempfile.TemporaryDirectory(prefix="loader-plan-") as folder:
        kept = KeptParts(Path(folder), dataset_of(file["key"]), len(parts))
        with bounded_memory(environment):
            for part in parts:
                staging = kept.staging(part["part"], tally) if several else tally
                convert_part(source, _part_ref(file, part), staging, settings)
        _check_limits(file, tally, settings)
        with bounded_memory(environment):
            for part in parts[:-1]:
                if (losing := kept.losing_rows(part["part"])).any:
                    again: PartRef = {**_part_ref(file, part), "losing_rows": True}
                    convert_part(source, again, tally, settings, losing=losing)
    check_collisions(Outcomes(parts=tally.parts), file, settings)


def _part_ref(file: PlannedFile, part: Part) -> PartRef:
    pinned = SourceFile(**{name: file[name] for name in SOURCE_FIELDS})  # type: ignore[literal-required, typeddict-item]
    return {"execution": "plan", "file": pinned, "part": part}
