"""The objects of the source bucket, a page at a time."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from shared.events import ListPosition
from shared.ledger import object_name, version_name
from shared.ledger_items import ItemKey
from shared.source import source_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        ListObjectVersionsOutputTypeDef,
        ListObjectVersionsRequestTypeDef,
        ObjectVersionTypeDef,
    )

START: ListPosition = {"key": "", "version": ""}
"""The position before the first object."""


class Page(NamedTuple):
    """The latest versions of up to 1,000 objects, and the position of the next page; None after the last one.

    `absent` has the keys without an object, which only a manifest can name.
    """

    versions: list["ObjectVersionTypeDef"]
    next: ListPosition | None
    absent: Sequence[str] = ()


def pages(client: "S3Client", bucket: str, prefix: str, start: ListPosition = START) -> Iterator[Page]:
    """Yield the objects under a prefix, from a position on.

    ListObjectVersions is necessary: ListObjects has no version IDs, which the keys of the ledger's items contain.

    Raises:
        LoaderError: One of the errors of `shared.source.source_errors`.
    """
    position: ListPosition | None = start
    while position is not None:
        request: ListObjectVersionsRequestTypeDef = {"Bucket": bucket, "Prefix": prefix}
        if position["key"]:
            request |= {"KeyMarker": position["key"], "VersionIdMarker": position["version"]}
        with source_errors(bucket, prefix):
            reply = client.list_object_versions(**request)
        position = _next_position(reply)
        yield Page([version for version in reply.get("Versions", []) if version["IsLatest"]], position)


def current_version(client: "S3Client", bucket: str, key: str) -> "ObjectVersionTypeDef | None":
    """Return the latest version of an object, or None if it does not exist, or was deleted."""
    with source_errors(bucket, key):
        reply = client.list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=1)
    # Of all keys that begin with this one, it comes first.
    latest = (version for version in reply.get("Versions", []) if version["Key"] == key and version["IsLatest"])
    return next(latest, None)


def _next_position(reply: "ListObjectVersionsOutputTypeDef") -> ListPosition | None:
    if not reply.get("IsTruncated"):
        return None
    return {"key": reply["NextKeyMarker"], "version": reply["NextVersionIdMarker"]}


def item_key(bucket: str, version: "ObjectVersionTypeDef") -> ItemKey:
    """Return the key of the ledger's item of a version."""
    # S3 answers without a VersionId where a bucket never had versions.
    name = version_name(version["LastModified"], version.get("VersionId", ""), version["ETag"])
    return ItemKey(object_name(bucket, version["Key"]), name)
