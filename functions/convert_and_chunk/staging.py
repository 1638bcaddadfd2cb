"""What a part leaves in WORK_BUCKET. Keys are derived from the load, so a repeated part overwrites its own objects."""

from typing import TYPE_CHECKING

from functions.convert_and_chunk.chunks import StagedChunk
from shared.events import Chunk, PartOutcome, PartRef
from shared.settings import work_bucket
from shared.work_bucket import chunk_key, manifest_key, outcome_key, put_json, rows_quarantine_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Staging:
    """The objects of one part of one execution."""

    def __init__(self, client: "S3Client", event: PartRef) -> None:
        self._client = client
        self._load = (event["file"]["load_id"], event["execution"])
        self._dataset = event["file"]["dataset"]
        self._part = event["part"]["part"]

    def put_chunk(self, number: int, staged: StagedChunk) -> Chunk:
        """Store a chunk and its manifest."""
        chunk = f"{self._part:04}-{number:04}"
        self._put(chunk_key(*self._load, chunk), staged.body)
        put_json(self._client, manifest_key(*self._load, chunk), staged.manifest)
        return {"chunk": chunk, "sha256": staged.sha256, "points": staged.points}

    def put_set_aside(self, parquet: bytes) -> None:
        """Store the rows that were set aside."""
        self._put(rows_quarantine_key(self._dataset, *self._load, self._part), parquet)

    def put_outcome(self, outcome: PartOutcome) -> None:
        """Store what became of the rows."""
        put_json(self._client, outcome_key(*self._load, f"{self._part:04}"), outcome)

    def _put(self, key: str, body: bytes) -> None:
        self._client.put_object(Bucket=work_bucket(), Key=key, Body=body)
