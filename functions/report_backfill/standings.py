"""The files under a prefix, compared with the ledger.

`standings` lists the objects page by page (`_pages`), reads the ledger's items of each page in batches (`_ledger_items`
and `_batch_get`), and keeps only the files that are not loaded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from shared.aws_clients import dynamodb_resource
from shared.file_keys import reason_to_skip
from shared.ledger import LedgerItem, object_name, version_name
from shared.responses import UnloadedFile
from shared.settings import ledger_table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef

MAX_KEYS = 100
"""The largest number of keys in one BatchGetItem request."""

Key = tuple[str, str]


@dataclass
class Standings:
    """The number of files, and the files that are not loaded."""

    files: int = 0
    not_loaded: list[UnloadedFile] = field(default_factory=list)

    @property
    def loaded(self) -> int:
        """The number of files whose latest version is loaded."""
        return self.files - len(self.not_loaded)


def standings(client: "S3Client", bucket: str, prefix: str) -> Standings:
    """Compare all files whose keys start with `prefix` with the ledger.

    Memory grows only with the files that are not loaded.
    """
    files = Standings()
    for versions in _pages(client, bucket, prefix):
        items = _ledger_items(_ledger_key(bucket, version) for version in versions)
        files.files += len(versions)
        for version in versions:
            item = items.get(_ledger_key(bucket, version))
            if item is None or item["status"] != "loaded":
                files.not_loaded.append(_unloaded_file(version["Key"], item))
    return files


def _pages(client: "S3Client", bucket: str, prefix: str) -> Iterator[Sequence["ObjectVersionTypeDef"]]:
    """Yield the latest versions, a page at a time. ListObjectVersions is necessary: ListObjects has no version IDs."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        latest = (version for version in page.get("Versions", []) if version["IsLatest"])
        yield [version for version in latest if not reason_to_skip(version["Key"])]


def _ledger_key(bucket: str, version: "ObjectVersionTypeDef") -> Key:
    name = version_name(version["LastModified"], version["VersionId"], version["ETag"])
    return object_name(bucket, version["Key"]), name


def _ledger_items(keys: Iterable[Key]) -> dict[Key, LedgerItem]:
    """Return the ledger's items with these keys. A key without an item is absent."""
    requested, items = list(keys), dict[Key, LedgerItem]()
    for first in range(0, len(requested), MAX_KEYS):
        for item in _batch_get(requested[first : first + MAX_KEYS]):
            items[item["object"], item["version"]] = item
    return items


def _batch_get(keys: Sequence[Key]) -> Iterator[LedgerItem]:
    """Yield the items with at most `MAX_KEYS` keys, requesting those again that DynamoDB leaves unprocessed."""
    names = [{"object": name, "version": version} for name, version in keys]
    request: dict[str, Any] = {ledger_table(): {"Keys": names, "ConsistentRead": True}}
    while request:
        reply = dynamodb_resource().batch_get_item(RequestItems=request)
        yield from cast("list[LedgerItem]", reply["Responses"].get(ledger_table(), []))
        request = dict(reply["UnprocessedKeys"])


def _unloaded_file(key: str, item: LedgerItem | None) -> UnloadedFile:
    if item is None:
        message = "its load did not start, or failed before its version was known"
        return {"key": key, "status": "unknown", "error": "", "message": message, "execution": "", "report": ""}
    return {
        "key": key,
        "status": item["status"],
        "error": item.get("error", ""),
        "message": item.get("message", f"being loaded, until {item.get('lease_until')} at the latest"),
        "execution": item["execution"],
        "report": item.get("report", ""),
    }
