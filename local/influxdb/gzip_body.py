"""Decompression of request bodies with the errors of Go's gzip reader, which InfluxDB 2.7 passes on."""

import zlib
from http import HTTPStatus

from local.influxdb.api_handler import ApiError

_MAGIC = b"\x1f\x8b\x08"
_HEADER_BYTES = 10
_GZIP_FORMAT = 31
"""zlib's number for a gzip header and trailer with the largest window."""


def decompress(body: bytes) -> bytes:
    """Return the content of all gzip members.

    Raises:
        ApiError: 400 for a wrong checksum or the wrong header of a later member, 500 for other damage.
    """
    if len(body) < _HEADER_BYTES or not body.startswith(_MAGIC):
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "An internal error has occurred - check server logs")
    members, rest = [], body
    while rest:
        member, rest = _decompress_member(rest)
        members.append(member)
    return b"".join(members)


def _decompress_member(body: bytes) -> tuple[bytes, bytes]:
    """Return the content of the first member, and the bytes that follow it."""
    if not _MAGIC.startswith(body[: len(_MAGIC)]):
        raise _unreadable(HTTPStatus.BAD_REQUEST, "gzip: invalid header")
    member = zlib.decompressobj(_GZIP_FORMAT)
    try:
        content = member.decompress(body)
    except zlib.error as error:
        if "incorrect data check" in str(error) or "incorrect length check" in str(error):
            raise _unreadable(HTTPStatus.BAD_REQUEST, "gzip: invalid checksum") from None
        raise _unreadable(HTTPStatus.INTERNAL_SERVER_ERROR, "flate: corrupt input") from None
    if not member.eof:
        raise _unreadable(HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected EOF")
    return content, member.unused_data


def _unreadable(status: HTTPStatus, reason: str) -> ApiError:
    return ApiError(status, f"unable to read data: {reason}")
