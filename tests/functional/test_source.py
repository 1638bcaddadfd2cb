"""Pinned reads: never two versions in one file, and S3's refusals under our names."""

import io
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, IncompleteReadError

from shared.errors import (
    AwsThrottledError,
    LoaderError,
    SourceArchivedError,
    SourceChangedError,
    SourceForbiddenError,
    SourceNotFoundError,
    SourceUnavailableError,
)
from shared.events import SourceFile
from shared.source import SMALL_BYTES, PinnedObject, source_errors
from tests.functional.conftest import SOURCE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BODY = bytes(range(256)) * 4
LARGE = BODY * (SMALL_BYTES // len(BODY) + 1)


def put_source(s3: "S3Client", body: bytes = BODY, *, pinned_by_version: bool = True) -> SourceFile:
    put = s3.put_object(Bucket=SOURCE, Key="k", Body=body)
    return {
        "load_id": "0" * 16,
        "bucket": SOURCE,
        "key": "k",
        "version_id": put["VersionId"] if pinned_by_version else "",
        "etag": put["ETag"],
        "size": len(body),
        "dataset": "generation",
        "layout": "wide",
    }


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
def test_any_range_reads_as_the_object_does_and_a_small_object_with_one_request(s3: "S3Client", body: bytes) -> None:
    pinned, plain = PinnedObject(s3, put_source(s3, body)), io.BytesIO(body)
    for offset, whence, length in [(0, 0, 10), (-5, 2, 10), (100, 0, 900), (-50, 1, 7), (10**6, 0, 3), (0, 0, -1)]:
        assert pinned.seek(offset, whence) == plain.seek(offset, whence)
        assert pinned.read(length) == plain.read(length)
        assert pinned.tell() == plain.tell()
    assert (pinned.reads == 1) == (body == BODY)


def test_the_pinned_version_is_read_after_a_newer_one_arrived(s3: "S3Client") -> None:
    pinned = PinnedObject(s3, put_source(s3))
    s3.put_object(Bucket=SOURCE, Key="k", Body=b"new")
    assert pinned.read() == BODY


def test_without_versions_a_replaced_object_is_noticed(s3: "S3Client") -> None:
    pinned = PinnedObject(s3, put_source(s3, pinned_by_version=False))
    s3.put_object(Bucket=SOURCE, Key="k", Body=b"new")
    with pytest.raises(SourceChangedError, match="overwritten"):
        pinned.read()


def test_a_deleted_version_is_not_found(s3: "S3Client") -> None:
    file = put_source(s3)
    s3.delete_object(Bucket=SOURCE, Key="k", VersionId=file["version_id"])
    with pytest.raises(SourceNotFoundError):
        PinnedObject(s3, file).read()


class BreakingBody:
    """The real S3 client, but its first bodies break off: moto cannot be made to do that."""

    def __init__(self, client: "S3Client", broken: int) -> None:
        self._client, self._broken = client, broken

    def get_object(self, **request: Any) -> Any:
        answer = self._client.get_object(**request)
        if self._broken:
            self._broken -= 1
            answer["Body"] = BrokenBody()  # type: ignore[typeddict-item]
        return answer


class BrokenBody:
    def read(self) -> bytes:
        raise IncompleteReadError(actual_bytes=1, expected_bytes=2)


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
def test_a_body_that_breaks_off_is_read_again(s3: "S3Client", body: bytes) -> None:
    assert PinnedObject(BreakingBody(s3, 2), put_source(s3, body)).read() == body  # type: ignore[arg-type]


def test_bodies_that_always_break_off_are_unavailable(s3: "S3Client") -> None:
    with pytest.raises(SourceUnavailableError, match="IncompleteReadError"):
        PinnedObject(BreakingBody(s3, 99), put_source(s3)).read()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", SourceForbiddenError),
        (400, "KMS.DisabledException", SourceForbiddenError),
        (404, "NoSuchKey", SourceNotFoundError),
        (405, "MethodNotAllowed", SourceNotFoundError),
        (412, "PreconditionFailed", SourceChangedError),
        (400, "400", SourceForbiddenError),
        (400, "InvalidRequest", SourceForbiddenError),
        (400, "RequestTimeout", SourceUnavailableError),
        (400, "ExpiredToken", SourceUnavailableError),
        (403, "InvalidObjectState", SourceArchivedError),
        (503, "SlowDown", AwsThrottledError),
        (429, "TooManyRequestsException", AwsThrottledError),
        (500, "InternalError", SourceUnavailableError),
    ],
)
def test_each_error_of_s3_becomes_an_error_of_the_loader(status: int, code: str, error: type[LoaderError]) -> None:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(error, match=rf"s3://b/k: {code} \({status}\)"), source_errors("b", "k"):
        raise ClientError(answer, "GetObject")
