"""The files that are in the bucket now, beside what the ledger knows of these very versions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict, cast

from shared.aws_clients import dynamodb_resource
from shared.file_keys import reason_to_skip
from shared.ledger import LedgerItem, object_name, version_name
from shared.settings import ledger_table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef

MOST_KEYS = 100
"""DynamoDB takes no more at once."""

Key = tuple[str, str]


class NotLoaded(TypedDict):
    """A file that is not in InfluxDB, and why. `execution` and `report` are of its last load; "" without any."""

    key: str
    status: str
    error: str
    message: str
    execution: str
    report: str


@dataclass
class Standings:
    """How many files there are, and which are not loaded."""

    files: int = 0
    not_loaded: list[NotLoaded] = field(default_factory=list)

    @property
    def loaded(self) -> int:
        """Files whose current version is loaded."""
        return self.files - len(self.not_loaded)


def standings(client: "S3Client", bucket: str, prefix: str) -> Standings:
    """Of all files whose keys begin with `prefix`. Memory grows with those that are not loaded only."""
    found = Standings()
    for versions in _pages(client, bucket, prefix):
        known = _known(_ledger_key(bucket, version) for version in versions)
        found.files += len(versions)
        for version in versions:
            item = known.get(_ledger_key(bucket, version))
            if item is None or item["status"] != "loaded":
                found.not_loaded.append(_not_loaded(version["Key"], item))
    return found


def _pages(client: "S3Client", bucket: str, prefix: str) -> Iterator[Sequence["ObjectVersionTypeDef"]]:
    """Current versions, a page at a time: unlike a list of objects, this one has the ids of versions."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        current = (version for version in page.get("Versions", []) if version["IsLatest"])
        yield [version for version in current if not reason_to_skip(version["Key"])]


def _ledger_key(bucket: str, version: "ObjectVersionTypeDef") -> Key:
    name = version_name(version["LastModified"], version["VersionId"], version["ETag"])
    return object_name(bucket, version["Key"]), name


def _known(keys: Iterable[Key]) -> dict[Key, LedgerItem]:
    """What the ledger has of them."""
    wanted, known = list(keys), dict[Key, LedgerItem]()
    for first in range(0, len(wanted), MOST_KEYS):
        for item in _items(wanted[first : first + MOST_KEYS]):
            known[item["object"], item["version"]] = item
    return known


def _items(keys: Sequence[Key]) -> Iterator[LedgerItem]:
    """DynamoDB may leave keys for a later request."""
    names = [{"object": name, "version": version} for name, version in keys]
    request: dict[str, Any] = {ledger_table(): {"Keys": names, "ConsistentRead": True}}
    while request:
        answer = dynamodb_resource().batch_get_item(RequestItems=request)
        yield from cast("list[LedgerItem]", answer["Responses"].get(ledger_table(), []))
        request = dict(answer["UnprocessedKeys"])


def _not_loaded(key: str, item: LedgerItem | None) -> NotLoaded:
    if item is None:
        unknown = "its load was not started, or failed before its version was known"
        return {"key": key, "status": "unknown", "error": "", "message": unknown, "execution": "", "report": ""}
    message = item.get("message", f"being loaded, until {item.get('lease_until')} at most")
    return {
        "key": key,
        "status": item["status"],
        "error": item.get("error", ""),
        "message": message,
        "execution": item["execution"],
        "report": item.get("report", ""),
    }
