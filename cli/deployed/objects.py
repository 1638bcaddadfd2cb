"""An object of the source bucket, with the ledger's entry of its version."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.close_matches import suggestion
from cli.deployed.ledger import Entry, entry_of_version
from cli.deployed.stack import Deployment
from cli.moments import ago
from cli.output import size
from shared.ledger import LedgerItem, bucket_and_key, object_name, version_id_of, version_name

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import HeadObjectRequestTypeDef

MAX_COMPARED = 1_000
"""How many keys of a folder to compare with a mistyped one; the most that one request lists."""

ABSENT = ("404", "405", "NoSuchVersion")
"""The error codes of a HEAD request for a key or version that does not exist, or that is a delete marker."""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """One version of an object. `entry` is None if no load of it was started, or none came as far as its claim."""

    address: str
    size: int
    modified_at: datetime
    version_id: str
    entry: Entry | None

    @property
    def status(self) -> str:
        """The status of its load: a status of the ledger, or "not loaded"."""
        return self.entry.status if self.entry else "not loaded"

    def describe(self, now: datetime) -> str:
        """Return its size, its age and its status, such as "17.6 MB, uploaded 3 d ago, loaded"."""
        return f"{size(self.size)}, uploaded {ago(self.modified_at, now)}, {self.status}"


def find_object(deployment: Deployment, key: str, version_id: str = "") -> StoredObject | None:
    """Return a version of an object in the source bucket, by default the current one; None if it does not exist."""
    bucket = deployment.source_bucket
    request: HeadObjectRequestTypeDef = {"Bucket": bucket, "Key": key}
    if version_id:
        request["VersionId"] = version_id
    try:
        head = deployment.s3.head_object(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return None
    address = object_name(bucket, key)
    name = version_name(head["LastModified"], head.get("VersionId", ""), head["ETag"])
    return StoredObject(
        address=address,
        size=head["ContentLength"],
        modified_at=head["LastModified"],
        version_id=head.get("VersionId", ""),
        entry=entry_of_version(deployment, address, name),
    )


def exists(deployment: Deployment, item: LedgerItem) -> bool:
    """Return whether a version still exists in S3. Without versioning, it must be the current one."""
    stored = find_object(deployment, bucket_and_key(item["object"])[1], version_id_of(item))
    return stored is not None and stored.entry is not None and stored.entry.load_id == item["load_id"]


def suggest_key(deployment: Deployment, key: str) -> str:
    """Return a question with the files and folders next to a mistyped key that are close to it; "" if none is."""
    folder = key.rstrip("/").rpartition("/")[0]
    reply = deployment.s3.list_objects_v2(
        Bucket=deployment.source_bucket, Prefix=f"{folder}/" if folder else "", Delimiter="/", MaxKeys=MAX_COMPARED
    )
    names = [each["Prefix"] for each in reply.get("CommonPrefixes", [])]
    names += [item["Key"] for item in reply.get("Contents", [])]
    return suggestion(key, names) if names or not folder else suggest_key(deployment, folder)
