"""The undone versions of a bucket, which a backfill does not load, and the versions that stand in their place.

All undone versions are read at once, from the ledger's index of changes: there are few of them. For an object whose
current version is undone, `_version_before` looks into the ledger and into S3 for the one before.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shared.ledger import CHANGES, LedgerItem, ledger, object_name, query_items, version_items
from shared.ledger_items import ItemKey
from shared.source import source_errors
from shared.source_pages import item_key
from shared.stale.standing import WITHDRAWN

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef


class UndoneVersions:
    """The undone versions. With `force`, a backfill loads them again, so there are none.

    `version_ids` has S3's ids of the versions that `standing` returned in place of undone ones.
    """

    def __init__(self, client: "S3Client", bucket: str, *, force: bool = False) -> None:
        self._client = client
        self._bucket = bucket
        self._names = set[ItemKey]() if force else set(_undone_names())
        self.version_ids = dict[ItemKey, str]()

    def standing(self, version: "ObjectVersionTypeDef") -> ItemKey | None:
        """Return the key of the ledger's item of a current version; if it is undone, of the one before, if any."""
        name = item_key(self._bucket, version)
        return self._version_before(version["Key"]) if name in self._names else name

    def _version_before(self, key: str) -> ItemKey | None:
        """Return the newest version that still exists, and that the ledger has as neither undone nor withdrawn."""
        items = {
            ItemKey(item["object"], item["version"]): item for item in version_items(object_name(self._bucket, key))
        }
        for version in self._versions(key):
            item = items.get(name := item_key(self._bucket, version))
            if item and _may_stand(item):
                self.version_ids[name] = version["VersionId"]
                return name
        return None

    def _versions(self, key: str) -> "Iterator[ObjectVersionTypeDef]":
        """Yield the versions of an object, the newest first, as S3 lists them."""
        with source_errors(self._bucket, key):
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key):
                for version in page.get("Versions", []):
                    if version["Key"] != key:
                        return
                    yield version


def _may_stand(item: LedgerItem) -> bool:
    is_withdrawn = item["status"] == "skipped" and item.get("message", "").startswith(WITHDRAWN)
    return item["status"] != "undone" and not is_withdrawn


def _undone_names() -> Iterator[ItemKey]:
    items: Iterator[LedgerItem] = query_items(
        ledger(),
        IndexName=CHANGES,
        KeyConditionExpression="#status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": "undone"},
    )
    return (ItemKey(item["object"], item["version"]) for item in items)
