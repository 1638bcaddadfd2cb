"""The footprints that are missing, because an earlier release loaded the files, made from the source objects.

`rebuild_footprint` converts the version that was loaded, and stores only the footprint. It writes no points.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from cli.deployed.ledger import Filter, items_with_status
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError
from functions.convert_and_chunk.part import convert_part
from functions.report_load.footprint import footprint_data
from functions.validate_schema.handler import plan_file
from functions.validate_schema.pin import pin
from shared.events import SOURCE_FIELDS, LoadState, SourceFile
from shared.ledger import LedgerItem, bucket_and_key, version_id_of
from shared.load_totals import Outcomes
from shared.packed_batches import StagedChunk
from shared.requested_object import RequestedObject
from shared.settings import conversion_settings
from shared.source import PinnedObject
from shared.stored import PartOutcome
from shared.work_bucket import footprint_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass
class FootprintStaging:
    """A staging area that stores footprints, keeps outcomes, and discards everything else."""

    client: "S3Client"
    bucket: str
    prefix: str
    outcomes: list[PartOutcome] = field(default_factory=list)

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:
        """Discard a chunk."""

    def put_set_aside(self, parquet: bytes) -> None:
        """Discard the rows: the quarantine of the load has them."""

    def put_series(self, keys: pa.Array) -> None:
        """Discard the series."""

    def put_footprint(self, parquet: bytes) -> None:
        """Store the footprint of the next part."""
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}{len(self.outcomes):04}.parquet", Body=parquet)

    def put_outcome(self, outcome: PartOutcome) -> None:
        """Keep the outcome of a part."""
        self.outcomes.append(outcome)


def items_without_footprint(deployment: Deployment, filter_: Filter) -> Iterator[LedgerItem]:
    """Yield the items of loaded and failed versions whose footprint is missing."""
    for status in ("loaded", "failed"):
        yield from (item for item in items_with_status(deployment, status, filter_) if not item.get("footprint"))


def rebuild_footprint(deployment: Deployment, item: LedgerItem) -> int:
    """Store the footprint of a version, record it in the ledger, and return the number of its points.

    Raises:
        NotFoundError: The version that was loaded no longer exists.
        LoaderError: The file cannot be converted.
    """
    bucket, key = bucket_and_key(item["object"])
    pinned = pin(deployment.s3, RequestedObject(bucket=bucket, key=key), version_id_of(item))
    if pinned.file["etag"].strip('"') != item["etag"].strip('"'):
        raise NotFoundError(f"{item['object']} was replaced since it was loaded: load it with `loader load`")
    execution = item["execution"].rpartition(":")[2]
    prefix = footprint_prefix(item["dataset"], item["load_id"], execution)
    staging = FootprintStaging(deployment.s3, deployment.work_bucket, prefix)
    settings = conversion_settings(deployment.conversion_environment())
    with PinnedObject(deployment.s3, pinned.file) as source:
        modified = int(pinned.last_modified.timestamp())
        file = plan_file(source, pinned.file, validate=settings.validate, last_modified=modified)
        source_file = cast(SourceFile, {name: file[name] for name in SOURCE_FIELDS})  # type: ignore[literal-required]
        for part in file["parts"]:
            convert_part(source, {"execution": execution, "file": source_file, "part": part}, staging, settings)
    outcomes = Outcomes(parts=staging.outcomes)
    state = {"file": file | {"load_id": item["load_id"]}, "execution": {"name": execution}}
    _record(deployment, item, dict(footprint_data(cast(LoadState, state), outcomes)))
    return outcomes.points


def _record(deployment: Deployment, item: LedgerItem, data: dict[str, Any]) -> None:
    """Add the footprint to the item, unless another execution has claimed the version since."""
    attributes = {"footprint" if name == "prefix" else name: value for name, value in data.items()}
    deployment.ledger.update_item(
        Key={"object": item["object"], "version": item["version"]},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
        ConditionExpression="#execution = :execution",
        ExpressionAttributeNames={f"#{name}": name for name in (*attributes, "execution")},
        ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()}
        | {":execution": item["execution"]},
    )
