"""The connections of the InfluxDB client: responses bounded in time and readable as text, and the proxy.

urllib3's read time-out begins anew with each byte, so a server that sends its response byte by byte could hold a
request for hours. `_BoundedConnection` ends the response when its time is over. The client fails to decode a body that
is not UTF-8 and then loses the status with it, so `BoundedPools` returns bodies that are.
"""

from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError


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


class _BoundedConnection(HTTPConnection):
    def getresponse(self) -> Any:
        """Return the response with its body, or raise TimeoutError if both do not arrive within `self.timeout`."""
        timeout_s, connection = self.timeout, self.sock
        if not isinstance(timeout_s, int | float) or connection is None:
            return super().getresponse()
        expired = Event()
        timer = Timer(timeout_s, _shut_down, (connection, expired))
        timer.daemon = True
        timer.start()
        try:
            response = super().getresponse()
        except (OSError, ValueError, HTTPException, HTTPError):
            if not expired.is_set():
                raise
        finally:
            timer.cancel()
        if expired.is_set():  # a body that ends with its connection looks complete
            raise TimeoutError(f"the response took longer than {timeout_s} s")
        return response


def _shut_down(connection: socket, expired: Event) -> None:
    expired.set()
    with suppress(OSError):
        socket.shutdown(connection, SHUT_RDWR)  # ssl's own method would forget the TLS session that a thread reads from


class _BoundedTlsConnection(_BoundedConnection, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _BoundedConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedTlsConnection
