"""The objects of one deletion in the work bucket (`shared.deletion.records`)."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from functions.delete_points.before_image import decode_image, encode_image
from shared.deletion.records import (
    DELETIONS,
    IMAGE,
    Deletion,
    DeletionState,
    RequestProgress,
    current_key,
    end_key,
    image_key,
    optional_key,
    plan_key,
    progress_key,
    removed_key,
    stale_key,
    stale_records_key,
)
from shared.footprints import read_footprint
from shared.settings import work_bucket
from shared.stale.records import StaleRecord
from shared.stale.stale_set import EMPTY, StaleSet
from shared.work_bucket import get_json, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_BEGUN: RequestProgress = {
    "status": "planned",
    "sent_at": "",
    "seconds": 0.0,
    "removed": 0,
    "rewritten": 0,
    "foreign": [],
}


class DeletionStore:
    """The stored plan, progress and before-images of a deletion."""

    def __init__(self, client: "S3Client", deletion: str) -> None:
        self.client = client
        self._deletion = deletion

    def plan(self) -> Deletion:
        """Return the plan."""
        return cast(Deletion, get_json(self.client, plan_key(self._deletion)))

    def footprints(self) -> StaleSet:
        """Return the footprints of the points. A former release stored no optional ones.

        Raises:
            ClientError: One of the others is missing, such as after it has expired. Then nothing may be deleted.
        """
        stale, current = (read_footprint(self._get_stored(key(self._deletion))) for key in (stale_key, current_key))
        optional = self._get(optional_key(self._deletion))
        return StaleSet(stale, current, read_footprint(optional) if optional else EMPTY)

    def progress(self, request: int) -> RequestProgress:
        """Return how far a request is."""
        content = self._get(progress_key(self._deletion, request))
        return cast(RequestProgress, json.loads(content)) if content else NOT_BEGUN

    def put_progress(self, request: int, progress: RequestProgress) -> None:
        """Store how far a request is."""
        put_json(self.client, progress_key(self._deletion, request), progress)

    def image(self, request: int) -> pa.Table | None:
        """Return the before-image of a request, or None if it has not begun."""
        content = self._get(image_key(self._deletion, request))
        return decode_image(content) if content else None

    def put_image(self, request: int, image: pa.Table) -> None:
        """Store the before-image of a request. Until it is stored, nothing may be deleted."""
        key = image_key(self._deletion, request)
        self.client.put_object(Bucket=work_bucket(), Key=key, Body=encode_image(image))

    def stale_records(self) -> list[StaleRecord] | None:
        """Return the records of the files that had stale points when the deletion ended first; None before that."""
        content = self._get(stale_records_key(self._deletion))
        return json.loads(content)["records"] if content else None

    def put_stale_records(self, records: list[StaleRecord]) -> None:
        """Store these records."""
        put_json(self.client, stale_records_key(self._deletion), {"records": records})

    def removed(self, request: int) -> pa.Table | None:
        """Return the stale values that a request removed before it stopped, or None if it removed all or none."""
        content = self._get(removed_key(self._deletion, request))
        return decode_image(content) if content else None

    def put_removed(self, request: int, points: pa.Table) -> None:
        """Store the stale values that a request removed before it stopped."""
        key = removed_key(self._deletion, request)
        self.client.put_object(Bucket=work_bucket(), Key=key, Body=encode_image(points))

    def end(self) -> DeletionState | None:
        """Return how the deletion ended, or None if it has not."""
        content = self._get(end_key(self._deletion))
        return cast(DeletionState, json.loads(content)) if content else None

    def put_end(self, content: Mapping[str, object]) -> None:
        """Record that the deletion has ended, and how."""
        put_json(self.client, end_key(self._deletion), content)

    def unfinished_deletions(self) -> list[str]:
        """Return the deletions of all measurements with a before-image that have not ended."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=work_bucket(), Prefix=f"{DELETIONS}/")
        keys = {item["Key"] for page in pages for item in page.get("Contents", [])}
        begun = {key.split("/")[1] for key in keys if key.endswith(IMAGE)}
        return sorted(name for name in begun if end_key(name) not in keys)

    def _get_stored(self, key: str) -> bytes:
        return self.client.get_object(Bucket=work_bucket(), Key=key)["Body"].read()

    def _get(self, key: str) -> bytes | None:
        try:
            return self._get_stored(key)
        except self.client.exceptions.NoSuchKey:
            return None
