"""Reads of the one version of the S3 object that a load is about.

`PinnedObject` is a file object over ranged GET requests, each for the pinned version. `source_errors` translates errors
of S3 to the loader's own, with advice.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from shared.aws_errors import THROTTLING_CODES
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

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

_Error = tuple[type[LoaderError], str]
"""An error class, and what to do about it."""

_UNAVAILABLE: _Error = (SourceUnavailableError, "S3 is unavailable: the loader retries")
_THROTTLED: _Error = (AwsThrottledError, "S3 throttles requests: the loader retries")

_ERROR_OF_STATUS: dict[int, _Error] = {
    # A response to HEAD has no body, so this status is all that S3 says about an object with a key of its own.
    400: (
        SourceForbiddenError,
        "S3 rejects the request: the object is probably encrypted with a customer-provided key (SSE-C), which the "
        "loader does not have: upload it again with SSE-S3 or SSE-KMS",
    ),
    403: (SourceForbiddenError, "grant the loader s3:GetObject, s3:GetObjectVersion, s3:ListBucket and kms:Decrypt"),
    404: (SourceNotFoundError, "upload the file, then load it again"),
    405: (SourceNotFoundError, "this version is a delete marker: load another version"),
    412: (SourceChangedError, "it was overwritten while it was being loaded: load the new version"),
}

_ERROR_OF_CODE: dict[str, _Error] = {
    "InvalidObjectState": (
        SourceArchivedError,
        "it is archived (S3 Glacier or Intelligent-Tiering): restore it with `aws s3api restore-object`, then load it "
        "again",
    ),
    **dict.fromkeys(("RequestTimeout", "ExpiredToken"), _UNAVAILABLE),
    **dict.fromkeys(THROTTLING_CODES, _THROTTLED),
}
"""The errors whose code says more than their status."""


@contextmanager
def source_errors(bucket: str, key: str) -> Iterator[None]:
    """Translate errors of S3 about an object to errors of the loader.

    Args:
        bucket: the bucket, for the message.
        key: the key, for the message.

    Raises:
        SourceForbiddenError: S3 or KMS denies access, or the object has a key of its own (SSE-C).
        SourceArchivedError: the object must be restored before it can be read.
        SourceNotFoundError: the object or the version does not exist.
        SourceChangedError: the object has another ETag.
        SourceUnavailableError: S3 failed, did not respond, or broke off a response.
        AwsThrottledError: S3 throttles requests.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
        error_class, advice = _error_of(code, status)
        raise error_class(f"s3://{bucket}/{key}: {code} ({status}): {advice}") from error
    except BotoCoreError as error:
        raise SourceUnavailableError(f"s3://{bucket}/{key}: {type(error).__name__}: the loader retries") from error


def _error_of(code: str, status: int) -> _Error:
    if code in _ERROR_OF_CODE:
        return _ERROR_OF_CODE[code]
    if "KMS" in code:
        return _ERROR_OF_STATUS[403]
    return _ERROR_OF_STATUS.get(status, _UNAVAILABLE)


SMALL_BYTES = 256 << 10
"""The size of an object up to which it is read with one request: each request costs more than so many bytes."""


class PinnedObject(io.RawIOBase):
    """A seekable file over ranged GET requests, each for the same version, so that versions never mix.

    `reads` counts the successful requests.
    """

    def __init__(self, client: "S3Client", file: SourceFile) -> None:
        self._client = client
        self._file = file
        self._position = 0
        self.reads = 0

    @property
    def size(self) -> int:
        """The size of the object in bytes."""
        return self._file["size"]

    def readable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def tell(self) -> int:  # noqa: D102
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:  # noqa: D102
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill `buffer` with one ranged read, and return the number of bytes: fewer only at the end of the object."""
        view = memoryview(buffer).cast("B")
        length = max(0, min(len(view), self.size - self._position))
        if length:
            view[:length] = self._read(self._position, length)
            self._position += length
        return length

    def _read(self, offset: int, length: int) -> bytes:
        if self.size > SMALL_BYTES:
            return self._fetch(offset, length)
        return self._content[offset : offset + length]

    @cached_property
    def _content(self) -> bytes:
        """The whole object, if it is small."""
        return self._fetch(0, self.size)

    @retry(
        retry=retry_if_exception_type((SourceUnavailableError, AwsThrottledError)),
        wait=wait_random_exponential(0.2, max=5),
        stop=stop_after_attempt(4),
        reraise=True,
    )
    def _fetch(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`.

        Botocore retries failed requests, but not bodies that break off, so this retries the whole read.
        """
        with source_errors(self._file["bucket"], self._file["key"]):
            reply = self._client.get_object(**self._request(offset, length))
            body = reply["Body"].read()
        if len(body) != length:
            raise SourceUnavailableError(
                f"S3 sent {len(body)} of {length} bytes of {self._file['key']}: the loader retries"
            )
        self.reads += 1
        return body

    def _request(self, offset: int, length: int) -> "GetObjectRequestTypeDef":
        request: GetObjectRequestTypeDef = {
            "Bucket": self._file["bucket"],
            "Key": self._file["key"],
            "IfMatch": self._file["etag"],
            "Range": f"bytes={offset}-{offset + length - 1}",
        }
        if self._file["version_id"]:
            request["VersionId"] = self._file["version_id"]
        return request
