"""The footprints of loads in the work bucket, a few of which are kept in memory."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.errors import FootprintNotFoundError
from shared.footprints import Footprint, PointRange, read_footprint
from shared.settings import work_bucket
from shared.work_bucket import footprint_key, footprint_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CACHED_PARTS = 4
"""How many parts of footprints to keep, encoded: each has up to 2 million points, of seven bytes at most."""


class FootprintCache:
    """The footprints of registered loads."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client
        self._download = lru_cache(CACHED_PARTS)(self._get_object)
        self._keys = lru_cache(None)(self._list)

    def part(
        self, dataset: str, load_id: str, execution: str, part: int, within: PointRange | None = None
    ) -> Footprint:
        """Return the footprint of one part, or only what may be in a range."""
        return read_footprint(self._download(footprint_key(dataset, load_id, execution, part)), within)

    def parts(
        self, dataset: str, load_id: str, execution: str, within: PointRange | None = None
    ) -> Iterator[Footprint]:
        """Yield the footprint of each part of a load that has a point, or may have one in a range.

        Raises:
            FootprintNotFoundError: It has none.
        """
        for key in self._keys(dataset, load_id, execution):
            footprint = read_footprint(self._download(key), within)
            if footprint.series:
                yield footprint

    def _get_object(self, key: str) -> bytes:
        try:
            return self._client.get_object(Bucket=work_bucket(), Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey as error:
            raise _missing(key) from error

    def _list(self, dataset: str, load_id: str, execution: str) -> list[str]:
        prefix = footprint_prefix(dataset, load_id, execution)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=work_bucket(), Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        if not keys:
            raise _missing(prefix)
        return keys


def _missing(key: str) -> FootprintNotFoundError:
    return FootprintNotFoundError(
        f"the footprint {key} does not exist, so points cannot be compared with those of other files: "
        "rebuild it with `loader footprints`, then load the file again"
    )
