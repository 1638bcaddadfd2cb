"""PinSource on S3: which version of which object, and what the ledger is asked for."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.validate_schema.pin import pin_source
from shared.events import FileRef
from shared.requested_object import requested_object
from tests.functional.conftest import SOURCE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "dataset=generation/a b+ç.parquet"
NOW = datetime(2024, 1, 1, 12, tzinfo=UTC)


def pin(s3: "S3Client", event: dict[str, Any]) -> FileRef:
    return pin_source(s3, requested_object(event), NOW)


def named(**more: object) -> dict[str, Any]:
    return {"bucket": SOURCE, "key": KEY, **more}


def notified(**more: object) -> dict[str, Any]:
    return {"detail": {"bucket": {"name": SOURCE}, "object": {"key": KEY, **more}}}


def put(s3: "S3Client", body: bytes = b"bytes") -> str:
    return s3.put_object(Bucket=SOURCE, Key=KEY, Body=body)["VersionId"]


def unversioned(s3: "S3Client") -> None:
    s3.delete_bucket(Bucket=SOURCE)
    s3.create_bucket(Bucket=SOURCE)


def test_the_claim_is_for_the_version_and_for_as_long_as_configured(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    version = put(s3)
    monkeypatch.setenv("LEASE_SECONDS", "90")
    modified = s3.head_object(Bucket=SOURCE, Key=KEY)["LastModified"]
    assert pin(s3, notified(sequencer="0055AED6"))["claim"] == {
        "object": f"s3://{SOURCE}/{KEY}",
        "version": f"{modified:%Y-%m-%dT%H:%M:%SZ} {version}",
        "last_modified": int(modified.timestamp()),
        "sequencer": "0055AED6",
        "now": "2024-01-01T12:00:00Z",
        "lease_until": "2024-01-01T12:01:30Z",
        "force": False,
        "override_slot": False,
    }


def test_a_lease_is_longer_than_an_execution_unless_configured(s3: "S3Client") -> None:
    put(s3)
    lease = datetime.fromisoformat(pin(s3, named())["claim"]["lease_until"]) - NOW
    assert lease > timedelta(hours=6, minutes=10)


def test_every_shape_of_input_claims_the_same_version(s3: "S3Client") -> None:
    put(s3)
    records = [{"s3": {"bucket": {"name": SOURCE}, "object": {"key": "dataset%3Dgeneration/a+b%2B%C3%A7.parquet"}}}]
    claims = [pin(s3, event)["claim"] for event in (named(), notified(), {"Records": records})]
    assert claims[0] == claims[1] == claims[2]


def test_force_is_passed_on(s3: "S3Client") -> None:
    put(s3)
    assert [pin(s3, event | {"force": True})["claim"]["force"] for event in (named(), notified())] == [True, True]


@pytest.mark.parametrize(
    ("more", "overrides"),
    [({}, False), ({"force": True}, True), ({"force": True, "override_slot": False}, False)],
)
def test_a_forced_load_overrides_the_slot_unless_its_input_says_otherwise(
    s3: "S3Client", more: dict[str, Any], *, overrides: bool
) -> None:
    put(s3)
    assert pin(s3, named(**more))["claim"].get("override_slot") == overrides


def test_a_rewritten_file_is_another_version(s3: "S3Client") -> None:
    put(s3)
    first = pin(s3, named())["claim"]
    put(s3)
    second = pin(s3, named())["claim"]
    assert (first["object"], first["version"] != second["version"]) == (second["object"], True)


def test_without_versions_the_bytes_and_their_time_are_the_version(s3: "S3Client") -> None:
    unversioned(s3)
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"bytes")
    head = s3.head_object(Bucket=SOURCE, Key=KEY)
    etag = head["ETag"].strip('"')
    assert pin(s3, notified(etag=etag))["claim"]["version"] == f"{head['LastModified']:%Y-%m-%dT%H:%M:%SZ} {etag}"


def test_an_older_version_is_pinned_for_the_ledger_if_it_is_still_there(s3: "S3Client") -> None:
    old, new = put(s3), put(s3)
    file = pin(s3, notified(**{"version-id": old}))
    assert file["skipped"] == f"superseded by version {new}"
    assert (file["version_id"], file["claim"]["version"].partition(" ")[2]) == (old, old)
    s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=old)
    gone = pin(s3, notified(**{"version-id": old}))
    assert (gone["skipped"], gone["claim"]["version"]) == (file["skipped"], "")


def test_an_object_that_needs_no_load_claims_nothing(s3: "S3Client") -> None:
    put(s3, b"")
    assert pin(s3, notified())["claim"]["version"] == ""
    assert pin(s3, {"Event": "s3:TestEvent", "Bucket": SOURCE})["claim"]["version"] == ""
