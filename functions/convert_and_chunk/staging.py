"""What a part leaves in WORK_BUCKET. Keys are derived from the load, so a repeated part overwrites its own objects."""

from typing import TYPE_CHECKING, Protocol

from functions.convert_and_chunk.chunks import StagedChunk
from shared.events import PartRef
from shared.settings import work_bucket
from shared.stored import PartOutcome
from shared.work_bucket import chunk_key, manifest_key, outcome_key, put_json, rows_quarantine_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Staging(Protocol):
    """Where everything goes that becomes of a part."""

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:
        """Store a chunk and its manifest."""

    def put_set_aside(self, parquet: bytes) -> None:
        """Store the rows that were set aside."""

    def put_outcome(self, outcome: PartOutcome) -> None:
        """Store what became of the rows."""


class WorkBucketStaging:
    """The objects of one part of one execution in S3."""

    def __init__(self, client: "S3Client", event: PartRef) -> None:
        self._client = client
        self._load = (event["file"]["load_id"], event["execution"])
        self._dataset = event["file"]["dataset"]
        self._part = event["part"]["part"]

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:  # noqa: D102
        self._put(chunk_key(*self._load, chunk), staged.body)
        put_json(self._client, manifest_key(*self._load, chunk), staged.manifest)

    def put_set_aside(self, parquet: bytes) -> None:  # noqa: D102
        self._put(rows_quarantine_key(self._dataset, *self._load, self._part), parquet)

    def put_outcome(self, outcome: PartOutcome) -> None:  # noqa: D102
        put_json(self._client, outcome_key(*self._load, f"{self._part:04}"), outcome)

    def _put(self, key: str, body: bytes) -> None:
        self._client.put_object(Bucket=work_bucket(), Key=key, Body=body)
