"""The files of a manifest: keys of the source bucket, sorted, one in each line of an object in the work bucket."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from shared.events import ListPosition
from shared.settings import work_bucket
from shared.source_pages import Page, current_version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAGE_KEYS = 1_000

CONCURRENT_REQUESTS = 8
"""Each key takes one request, since the files of a manifest need not be next to each other."""


def manifest_pages(client: "S3Client", bucket: str, manifest: str, start: ListPosition) -> Iterator[Page]:
    """Yield the objects that a manifest names, from a position on, with the keys that name no object.

    Args:
        client: The S3 client.
        bucket: The source bucket.
        manifest: The key of the manifest in the work bucket.
        start: Where to begin: after the last key that was read.

    Raises:
        LoaderError: One of the errors of `shared.source.source_errors`.
    """
    content = client.get_object(Bucket=work_bucket(), Key=manifest)["Body"].read().decode()
    keys = [key for key in content.split("\n") if key > start["key"]]
    for first in range(0, len(keys), PAGE_KEYS):
        end = first + PAGE_KEYS
        next_: ListPosition | None = {"key": keys[end - 1], "version": ""} if end < len(keys) else None
        yield _page(client, bucket, keys[first:end], next_)


def _page(client: "S3Client", bucket: str, keys: Sequence[str], next_: ListPosition | None) -> Page:
    with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
        versions = list(pool.map(partial(current_version, client, bucket), keys))
    absent = tuple(key for key, version in zip(keys, versions, strict=True) if version is None)
    return Page([version for version in versions if version], next_, absent)
