"""The load status of the files under a prefix, according to the ledger.

`load_status` lists the objects page by page (`_pages`), reads the ledger's items of each page in batches
(`_ledger_items` and `_batch_get`), and keeps only the files that are not loaded. `_reason_unloaded` tells why a file
counts as not loaded although the ledger shows it as loaded.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, cast

from shared.aws_clients import dynamodb_resource
from shared.events import BackfillState
from shared.file_keys import skip_kind
from shared.ledger import BucketCheck, LedgerItem, check_bucket, object_name, version_name
from shared.responses import UnloadedFile
from shared.settings import file_rule, ledger_table
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef

MAX_KEYS = 100
"""The largest number of keys in one BatchGetItem request."""

Key = tuple[str, str]


class UnloadedReason(TypedDict):
    """The keys of an `UnloadedFile` that say why it is not loaded."""

    status: str
    message: str


@dataclass
class LoadStatus:
    """The number of files, the files that are not loaded, and the keys of those that are partly loaded.

    `reloaded` and `not_checkable` count as `shared.responses.BackfillData` says.
    """

    files: int = 0
    reloaded: int = 0
    not_checkable: int = 0
    not_loaded: list[UnloadedFile] = field(default_factory=list)
    partly_loaded: list[str] = field(default_factory=list)

    @property
    def loaded(self) -> int:
        """The number of files whose latest version is loaded."""
        return self.files - len(self.not_loaded)


def load_status(client: "S3Client", backfill: BackfillState) -> LoadStatus:
    """Compare all files under the prefix of a backfill with the ledger.

    Memory grows only with the files that are not or only partly loaded.
    """
    files, bucket = LoadStatus(), backfill["bucket"]
    for versions in _pages(client, bucket, backfill["prefix"]):
        items = _ledger_items(_ledger_key(bucket, version) for version in versions)
        files.files += len(versions)
        for version in versions:
            _add_file(files, version["Key"], items.get(_ledger_key(bucket, version)), backfill)
    return files


def _add_file(files: LoadStatus, key: str, item: LedgerItem | None, backfill: BackfillState) -> None:
    if item is None or item["status"] != "loaded":
        files.not_loaded.append(_unloaded_file(key, item))
        return
    status = check_bucket(item.get("bucket_id", ""), _bucket_ids(backfill).get(item["dataset"], ""))
    if reason := _reason_unloaded(item, status, backfill):
        files.not_loaded.append({**_unloaded_file(key, item), **reason})
        return
    if item.get("verdict") == "partly loaded":
        files.partly_loaded.append(key)
    files.not_checkable += status == "not checkable"
    former = item.get("former_bucket_id", "")
    files.reloaded += _loaded_by(item, backfill) and former not in ("", item.get("bucket_id"))


def _reason_unloaded(item: LedgerItem, status: BucketCheck, backfill: BackfillState) -> UnloadedReason | None:
    """Return why a file counts as not loaded although the ledger shows it as loaded; None if it counts as loaded."""
    if status == "replaced":
        current = _bucket_ids(backfill)[item["dataset"]]
        message = f"it was loaded into the bucket {item['bucket_id']}, which was replaced by {current}"
        return {"status": "replaced", "message": message}
    if backfill.get("force") and not _loaded_by(item, backfill):
        return {"status": "unchanged", "message": "its load did not start; it was loaded before this backfill"}
    return None


def _loaded_by(item: LedgerItem, backfill: BackfillState) -> bool:
    """Return whether the load started after the backfill. Claims have times in whole seconds."""
    started_at = datetime.fromisoformat(backfill["execution"]["start_time"])
    return item.get("claimed_at", "") >= utc_seconds(started_at)


def _bucket_ids(backfill: BackfillState) -> Mapping[str, str]:
    return backfill["health"].get("bucket_ids", {}) if "health" in backfill else {}


def _pages(client: "S3Client", bucket: str, prefix: str) -> Iterator[Sequence["ObjectVersionTypeDef"]]:
    """Yield the latest versions, a page at a time. ListObjectVersions is necessary: ListObjects has no version IDs."""
    rule = file_rule()
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        latest = (version for version in page.get("Versions", []) if version["IsLatest"])
        yield [version for version in latest if not skip_kind(version["Key"], rule)]


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
    """Yield the items of at most `MAX_KEYS` keys. Request again the keys that DynamoDB leaves unprocessed."""
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
        "message": item.get("message", f"being loaded; its claim expires at {item.get('lease_until')}"),
        "execution": item["execution"],
        "report": item.get("report", ""),
    }
