"""State PinSource: fix the one version of the object that a load is about, or say why this is no load."""

import hashlib
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.datasets import dataset_of
from shared.errors import SourceNotFoundError, UnknownDatasetError
from shared.events import Claim, FileRef, SourceFile
from shared.file_keys import reason_to_skip
from shared.ledger import object_name, version_name
from shared.requested_object import RequestedObject
from shared.settings import lease_seconds
from shared.source import source_errors
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectRequestTypeDef


def pin_source(client: "S3Client", requested: RequestedObject, now: datetime) -> FileRef:
    """The version that is there now, or the one asked for by name; every later read names it. Raises Source…Error."""
    if reason := not_a_load(requested):
        return _no_load(requested, reason, now)
    current = pin(client, requested, "" if requested.notified else requested.version_id)
    if requested.notified and current.file["size"] == 0:
        return _no_load(requested, "an empty object", now)
    if reason := overtaken(requested, current.file):
        return _superseded(client, requested, reason, now)
    return _claiming(requested, current, now)


def not_a_load(requested: RequestedObject) -> str:
    """Why this object is not to be loaded, as its event and key tell; "" if it is."""
    empty = "an empty object" if requested.notified and requested.size == 0 else ""
    return requested.skip_reason or reason_to_skip(requested.key) or empty


class PinnedVersion(NamedTuple):
    """One version of an object, and when it was written: in a multipart upload, when that began."""

    file: SourceFile
    last_modified: datetime


def pin(client: "S3Client", requested: RequestedObject, version_id: str) -> PinnedVersion:
    """The version called `version_id`, the current one for "". Raises Source…Error."""
    request: HeadObjectRequestTypeDef = {"Bucket": requested.bucket, "Key": requested.key}
    if version_id:
        request["VersionId"] = version_id
    with source_errors(requested.bucket, requested.key):
        head = client.head_object(**request)
    found = head.get("VersionId", "")
    file: SourceFile = {
        "load_id": load_id(requested.bucket, requested.key, found or head["ETag"]),
        "bucket": requested.bucket,
        "key": requested.key,
        "version_id": found,
        "etag": head["ETag"],
        "size": head["ContentLength"],
        "dataset": _dataset_name(requested.key),
        "layout": "wide",
    }
    return PinnedVersion(file, head["LastModified"])


def overtaken(requested: RequestedObject, current: SourceFile) -> str:
    """Why an event is too late, now that the current version has been seen; "" if it is not.

    An older version is left alone: the newer one has its own event.
    """
    if not requested.notified:
        return ""
    if requested.version_id and current["version_id"]:
        stale = requested.version_id != current["version_id"]
    else:
        stale = bool(requested.etag) and requested.etag.strip('"') != current["etag"].strip('"')
    return f"superseded by version {current['version_id'] or current['etag']}" if stale else ""


def load_id(bucket: str, key: str, version: str) -> str:
    """16 hex digits that are the same for the same version of the same object."""
    return hashlib.sha256("\0".join((bucket, key, version)).encode()).hexdigest()[:16]


def _dataset_name(key: str) -> str:
    """ "" where the key names none: ValidateSchema refuses it, when the ledger can keep the refusal."""
    try:
        return dataset_of(key).name
    except UnknownDatasetError:
        return ""


def _superseded(client: "S3Client", requested: RequestedObject, reason: str, now: datetime) -> FileRef:
    """Pinned all the same, for the ledger, if the older version is still there."""
    if requested.version_id:
        with suppress(SourceNotFoundError):
            older = pin(client, requested, requested.version_id)
            return {**_claiming(requested, older, now), "skipped": reason}
    return _no_load(requested, reason, now)


def _claiming(requested: RequestedObject, pinned: PinnedVersion, now: datetime) -> FileRef:
    claim: Claim = {
        "object": object_name(requested.bucket, requested.key),
        "version": version_name(pinned.last_modified, pinned.file["version_id"], pinned.file["etag"]),
        "last_modified": int(pinned.last_modified.timestamp()),
        "sequencer": requested.sequencer,
        "now": utc_seconds(now),
        "lease_until": utc_seconds(now + timedelta(seconds=lease_seconds())),
        "force": requested.force,
    }
    return {**pinned.file, "rows": 0, "parts": [], "claim": claim, "skipped": "", "not_before": "", "ran": {}}


def _no_load(requested: RequestedObject, reason: str, now: datetime) -> FileRef:
    """Of the same shape, with nothing to claim."""
    file: SourceFile = {
        "load_id": "",
        "bucket": requested.bucket,
        "key": requested.key,
        "version_id": requested.version_id,
        "etag": requested.etag,
        "size": requested.size or 0,
        "dataset": "",
        "layout": "wide",
    }
    pinned = _claiming(requested, PinnedVersion(file, now), now)
    return {**pinned, "claim": {**pinned["claim"], "version": ""}, "skipped": reason}
