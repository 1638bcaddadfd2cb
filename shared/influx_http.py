"""The connections of the InfluxDB client: responses bounded in time and readable as text, and the proxy.

urllib3's read time-out begins anew with each byte, so a server that sends its response byte by byte could hold a
request for hours. The `_BoundedResponse` of a connection gives each read only the time that is left for the whole
response. The client fails to decode a body that is not UTF-8 and then loses the status with it, so `BoundedPools`
returns bodies that are.
"""

from collections.abc import Mapping
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from time import monotonic
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class Response(NamedTuple):
    """The parts of a response that the client reads."""

    status: int
    reason: str | None
    data: bytes
    headers: Mapping[str, str]


class BoundedPools:
    """The pool manager of a client, whose requests end in time with a body in UTF-8."""

    def __init__(self, pools: PoolManager) -> None:
        pools.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        self._pools = pools

    def request(self, method: str, url: str, **options: Any) -> Response:
        """Send a request as urllib3 does. Bytes that are not UTF-8 are replaced in the body of the response."""
        response = self._pools.request(method, url, **options)
        text = response.data.decode(errors="replace")
        return Response(response.status, response.reason, text.encode(), response.headers)

    def clear(self) -> None:
        """Close all connections."""
        self._pools.clear()


def proxy_for(url: str) -> str | None:
    """Return the proxy that HTTPS_PROXY (or HTTP_PROXY) names for `url`, or None. NO_PROXY lists exceptions."""
    try:
        parts = urlsplit(url)
    except ValueError:  # the request fails with a better message
        return None
    return None if proxy_bypass(parts.netloc.rpartition("@")[2]) else getproxies().get(parts.scheme)


class _TimedReader(RawIOBase):
    """The bytes that a socket receives, until the time of its time-out is over, counted from now for all of them."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self._raw: Any = connection.makefile("rb", buffering=0)
        self._timeout_s = connection.gettimeout()
        self._deadline_s = monotonic() + (self._timeout_s or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read as a socket does. Raise TimeoutError if the time is over."""
        if self._timeout_s is not None:
            left_s = self._deadline_s - monotonic()
            if left_s <= 0:
                raise TimeoutError(f"the response took longer than {self._timeout_s} s")
            self._connection.settimeout(left_s)
        return cast(int | None, self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = BufferedReader(_TimedReader(sock))


class _BoundedConnection(HTTPConnection):
    response_class = _BoundedResponse


class _BoundedTlsConnection(HTTPSConnection):
    response_class = _BoundedResponse


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _BoundedConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedTlsConnection
