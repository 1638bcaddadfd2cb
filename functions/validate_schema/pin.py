"""Fix the one version of the object that a load is about, or say why this is no load."""

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from shared.datasets import Dataset
from shared.events import SourceFile
from shared.requested_object import RequestedObject
from shared.source import source_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectRequestTypeDef


def not_a_load(requested: RequestedObject) -> str:
    """Why this object is not to be loaded, as its event and key tell; "" if it is."""
    path = PurePosixPath(requested.key)
    if requested.no_load:
        return requested.no_load
    if "_temporary" in path.parts[:-1]:
        return "a temporary file of its writer"
    if path.suffix.lower() != ".parquet" or requested.key.endswith("/"):
        return f"not a .parquet file: {path.name!r}"
    return "an empty object" if requested.notified and requested.size == 0 else ""


def pin(client: "S3Client", requested: RequestedObject, dataset: Dataset) -> SourceFile:
    """The version that is there now, or the one asked for by name; every later read names it. Raises Source…Error."""
    request: HeadObjectRequestTypeDef = {"Bucket": requested.bucket, "Key": requested.key}
    if requested.version_id and not requested.notified:
        request["VersionId"] = requested.version_id
    with source_errors(requested.bucket, requested.key):
        head = client.head_object(**request)
    version_id = head.get("VersionId", "")
    return {
        "load_id": load_id(requested.bucket, requested.key, version_id or head["ETag"]),
        "bucket": requested.bucket,
        "key": requested.key,
        "version_id": version_id,
        "etag": head["ETag"],
        "size": head["ContentLength"],
        "dataset": dataset.name,
        "layout": "wide",
    }


def overtaken(requested: RequestedObject, file: SourceFile) -> str:
    """Why an event is about nothing to load, now that the object has been seen; "" if it is not.

    An older version than the one that is there is left alone: the newer one has its own event.
    """
    if not requested.notified:
        return ""
    if file["size"] == 0:
        return "an empty object"
    if requested.version_id and file["version_id"]:
        stale = requested.version_id != file["version_id"]
    else:
        stale = bool(requested.etag) and requested.etag.strip('"') != file["etag"].strip('"')
    return f"superseded by version {file['version_id'] or file['etag']}" if stale else ""


def load_id(bucket: str, key: str, version: str) -> str:
    """16 hex digits that are the same for the same version of the same object."""
    return hashlib.sha256("\0".join((bucket, key, version)).encode()).hexdigest()[:16]
