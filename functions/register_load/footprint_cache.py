"""The footprints of other loads, a few of which are kept in memory."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.errors import FootprintNotFoundError
from shared.footprints import Footprint, read_footprint
from shared.settings import work_bucket
from shared.work_bucket import footprint_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CACHED_PARTS = 4
"""How many parts of footprints to keep: each has up to 2 million points of 20 bytes."""


class FootprintCache:
    """The footprints of registered loads in the work bucket."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client
        self._read = lru_cache(CACHED_PARTS)(self._download)
        self._keys = lru_cache(None)(self._list)

    def parts(self, dataset: str, load_id: str, execution: str) -> Iterator[Footprint]:
        """Yield the footprint of each part of a load.

        Raises:
            FootprintNotFoundError: It has none.
        """
        for key in self._keys(dataset, load_id, execution):
            yield self._read(key)

    def _download(self, key: str) -> Footprint:
        return read_footprint(self._client.get_object(Bucket=work_bucket(), Key=key)["Body"].read())

    def _list(self, dataset: str, load_id: str, execution: str) -> list[str]:
        prefix = footprint_prefix(dataset, load_id, execution)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=work_bucket(), Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        if not keys:
            raise FootprintNotFoundError(
                f"the footprint {prefix} does not exist, so points cannot be compared with those of a newer file: "
                "rebuild it with `loader footprints`, then load the file again"
            )
        return keys
