"""Reading the one version of the S3 object that a load is about, with errors that say what to do."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from shared.errors import (
    LoaderError,
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

_ERROR_OF_STATUS: dict[int, tuple[type[LoaderError], str]] = {
    403: (SourceForbiddenError, "grant the loader s3:GetObject, s3:GetObjectVersion, s3:ListBucket and kms:Decrypt"),
    404: (SourceNotFoundError, "put the file there, then load it again"),
    405: (SourceNotFoundError, "this version is a delete marker; name one that holds a file"),
    412: (SourceChangedError, "it was replaced while it was loaded; load the new version"),
}


@contextmanager
def source_errors(bucket: str, key: str) -> Iterator[None]:
    """What S3 answers about the source object, as our errors. Bodies that break off count as unavailable."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
        unavailable = (SourceUnavailableError, "S3 did not answer; it is tried again")
        known, advice = _ERROR_OF_STATUS.get(status, unavailable)
        if "KMS" in code:
            known, advice = _ERROR_OF_STATUS[403]
        raise known(f"s3://{bucket}/{key}: {code} ({status}): {advice}") from error
    except BotoCoreError as error:
        raise SourceUnavailableError(f"s3://{bucket}/{key}: {type(error).__name__}: it is tried again") from error


class PinnedObject(io.RawIOBase):
    """A seekable file over ranged reads, each pinned to one version: bytes of two versions never mix.

    `reads` counts the requests that were answered.
    """

    def __init__(self, client: "S3Client", file: SourceFile) -> None:
        self._client = client
        self._file = file
        self._position = 0
        self.reads = 0

    @property
    def size(self) -> int:
        """Bytes of the object."""
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
        """Fill `buffer` from one ranged read; less only at the end of the object."""
        view = memoryview(buffer).cast("B")
        length = max(0, min(len(view), self.size - self._position))
        if length:
            view[:length] = self._fetch(self._position, length)
            self._position += length
        return length

    @retry(
        retry=retry_if_exception_type(SourceUnavailableError),
        wait=wait_random_exponential(0.2, max=5),
        stop=stop_after_attempt(4),
        reraise=True,
    )
    def _fetch(self, offset: int, length: int) -> bytes:
        """Botocore retries answers but not bodies that break off, so the whole read is tried again."""
        with source_errors(self._file["bucket"], self._file["key"]):
            answer = self._client.get_object(**self._request(offset, length))
            body = answer["Body"].read()
        if len(body) != length:
            raise SourceUnavailableError(f"S3 sent {len(body)} of {length} bytes of {self._file['key']}")
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
