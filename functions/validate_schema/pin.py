"""The pinning of a source: choose the one version of an object that a load reads from then on.

`pin_source` skips what needs no load (`reason_not_to_load`), reads the version's metadata (`pin`), and skips an event
that a newer version has superseded (`_reason_superseded`). Every way ends in a `FileRef`: with a claim for the ledger
(`_claim`), or with an empty one if there is no version to claim (`_skip_unclaimed`).
"""

import hashlib
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.dataset_keys import find_dataset
from shared.errors import SourceNotFoundError
from shared.events import Claim, FileRef, SourceFile
from shared.file_keys import FileRule, reason_to_skip
from shared.ledger import object_name, version_name
from shared.requested_object import RequestedObject
from shared.settings import file_rule, lease_seconds
from shared.source import source_errors
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectRequestTypeDef


def pin_source(client: "S3Client", requested: RequestedObject, now: datetime) -> FileRef:
    """Return the version to load, its claim, and the reason if it is not to be loaded.

    An event of S3 is about the latest version; a request may name another one.

    Args:
        client: The S3 client.
        requested: The object that the input names.
        now: The start of the claim.

    Raises:
        LoaderError: One of the errors of `shared.source.source_errors`.
    """
    if reason := reason_not_to_load(requested, file_rule()):
        return _skip_unclaimed(requested, reason, now)
    latest = pin(client, requested, "" if requested.notified else requested.version_id)
    if requested.notified and latest.file["size"] == 0:
        return _skip_unclaimed(requested, "an empty object", now)
    if reason := _reason_superseded(requested, latest.file):
        return _skip_superseded(client, requested, reason, now)
    return _claim(requested, latest, now)


def reason_not_to_load(requested: RequestedObject, rule: FileRule) -> str:
    """Return the reason not to load this object, judging by its event and its key; "" if there is none."""
    empty = "an empty object" if requested.notified and requested.size == 0 else ""
    return requested.skip_reason or reason_to_skip(requested.key, rule) or empty


class PinnedVersion(NamedTuple):
    """One version of an object, and its LastModified: for a multipart upload, the time when it started."""

    file: SourceFile
    last_modified: datetime


def pin(client: "S3Client", requested: RequestedObject, version_id: str) -> PinnedVersion:
    """Return one version of the object.

    Args:
        client: The S3 client.
        requested: The object.
        version_id: S3's id of the version, or "" for the latest one.

    Raises:
        LoaderError: One of the errors of `shared.source.source_errors`.
    """
    request: HeadObjectRequestTypeDef = {"Bucket": requested.bucket, "Key": requested.key}
    if version_id:
        request["VersionId"] = version_id
    with source_errors(requested.bucket, requested.key):
        head = client.head_object(**request)
    head_version = head.get("VersionId", "")
    file: SourceFile = {
        "load_id": load_id(requested.bucket, requested.key, head_version or head["ETag"]),
        "bucket": requested.bucket,
        "key": requested.key,
        "version_id": head_version,
        "etag": head["ETag"],
        "size": head["ContentLength"],
        "dataset": _dataset_name(requested.key),
        "layout": "wide",
    }
    return PinnedVersion(file, head["LastModified"])


def _reason_superseded(requested: RequestedObject, latest: SourceFile) -> str:
    """Return the reason to skip an event if a newer version has superseded its own, or "".

    The newer version needs no load from here: it has an event of its own.
    """
    if not requested.notified:
        return ""
    if requested.version_id and latest["version_id"]:
        superseded = requested.version_id != latest["version_id"]
    else:
        superseded = bool(requested.etag) and requested.etag.strip('"') != latest["etag"].strip('"')
    return f"superseded by version {latest['version_id'] or latest['etag']}" if superseded else ""


def load_id(bucket: str, key: str, version: str) -> str:
    """Return the load ID: 16 hex digits, the same for every load of this version of the object."""
    return hashlib.sha256("\0".join((bucket, key, version)).encode()).hexdigest()[:16]


def _dataset_name(key: str) -> str:
    """Return the dataset that the key names, or "": ValidateSchema raises the error, when the ledger can record it."""
    dataset = find_dataset(key)
    return dataset.name if dataset else ""


def _skip_superseded(client: "S3Client", requested: RequestedObject, reason: str, now: datetime) -> FileRef:
    """Skip a superseded version, but with a claim, so that the ledger records it if it still exists."""
    if requested.version_id:
        with suppress(SourceNotFoundError):
            older = pin(client, requested, requested.version_id)
            return {**_claim(requested, older, now), "skipped": reason}
    return _skip_unclaimed(requested, reason, now)


def _claim(requested: RequestedObject, pinned: PinnedVersion, now: datetime) -> FileRef:
    claim: Claim = {
        "object": object_name(requested.bucket, requested.key),
        "version": version_name(pinned.last_modified, pinned.file["version_id"], pinned.file["etag"]),
        "last_modified": int(pinned.last_modified.timestamp()),
        "sequencer": requested.sequencer,
        "now": utc_seconds(now),
        "lease_until": utc_seconds(now + timedelta(seconds=lease_seconds())),
        "force": requested.force,
        "override_slot": requested.override_slot,
    }
    return {
        **pinned.file,
        "rows": 0,
        "parts": [],
        "claim": claim,
        "skipped": "",
        "not_before": "",
        "has_other_versions": False,
        "may_replace": False,
        "table": None,
        "ran": {},
    }


def _skip_unclaimed(requested: RequestedObject, reason: str, now: datetime) -> FileRef:
    """Skip an object that has no version to claim: the claim's version is "", and the ledger is not written."""
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
    pinned = _claim(requested, PinnedVersion(file, now), now)
    return {**pinned, "claim": {**pinned["claim"], "version": ""}, "skipped": reason}
