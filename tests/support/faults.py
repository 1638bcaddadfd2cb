"""Faults of networks and servers, for `tests.support.fault_proxy`: each handles one request."""

import gzip
import os
import signal
from contextlib import suppress
from pathlib import Path
from time import sleep

from tests.support.fault_proxy import Exchange, Fault, pass_on, response


def reset_before_the_body(exchange: Exchange) -> None:
    """Reset the connection before reading any of the body."""
    exchange.reset()


def reset_next(connections: int) -> Fault:
    """Reset this connection, and the next `connections` as soon as they are accepted."""

    def reset_connections(exchange: Exchange) -> None:
        exchange.handler.server.resets = connections
        exchange.reset()

    return reset_connections


def close_afterwards(exchange: Exchange) -> None:
    """Forward the request, then close the connection."""
    pass_on(exchange)
    exchange.handler.close_connection = True


def reset_within_the_body(exchange: Exchange) -> None:
    """Reset the connection after reading part of the body."""
    exchange.read(100)
    exchange.reset()


def lose_response(exchange: Exchange) -> None:
    """Forward the request, and reset the connection instead of responding."""
    exchange.forward()
    exchange.reset()


def truncate_status_line(exchange: Exchange) -> None:
    """Forward the request, and respond with half a status line."""
    exchange.send(exchange.forward()[:12])
    exchange.reset()


def write_then_answer_503(exchange: Exchange) -> None:
    """Forward the request, but respond that it failed."""
    exchange.forward()
    exchange.send(response(503, b'{"code": "unavailable", "message": "timed out waiting for the write"}'))


def truncate_response(exchange: Exchange) -> None:
    """Forward the request, and respond with the headers and about half of the body."""
    reply = exchange.forward()
    exchange.send(reply[: len(reply) - (len(reply) - reply.index(b"\r\n\r\n")) // 2])
    exchange.reset()


def respond_slowly(exchange: Exchange) -> None:
    """Read the body in small steps, wait, and then forward the request."""
    for _ in range(5):
        exchange.read(200)
        sleep(0.1)
    sleep(1)
    pass_on(exchange)


def never_respond(exchange: Exchange) -> None:
    """Read the request and never respond."""
    exchange.read()
    exchange.handler.server.stopping.wait()
    exchange.reset()


PARSE_ERROR = b'{"code": "invalid", "message": "unable to parse"}'


def reject_bodies_with(marker: bytes, status: int = 400, content: bytes = PARSE_ERROR) -> Fault:
    """Reject a body that contains `marker` and write none of it, as 2.7 does with a malformed line."""

    def reject(exchange: Exchange) -> None:
        exchange.read()
        if marker in gzip.decompress(exchange.body):
            exchange.send(response(status, content))
        else:
            pass_on(exchange)

    return reject


def limit_body_size(size: int) -> Fault:
    """Reject a body with 413 if it is larger than `size` bytes uncompressed."""

    def reject_large(exchange: Exchange) -> None:
        exchange.read()
        if len(gzip.decompress(exchange.body)) > size:
            exchange.send(response(413, b'{"code": "request too large", "message": "points batch is too large"}'))
        else:
            pass_on(exchange)

    return reject_large


def answer_with(status: int, content: bytes = b"", **headers: str) -> Fault:
    """Respond in the server's place; `Retry_After="1"` sets the header Retry-After."""

    def respond(exchange: Exchange) -> None:
        exchange.read()
        exchange.send(response(status, content, {name.replace("_", "-"): value for name, value in headers.items()}))

    respond.__name__ = f"answers {status}"
    return respond


slow_down = answer_with(503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
"""The response with which S3 throttles a client."""


def kill_client(exchange: Exchange) -> None:
    """Kill the process of the function that sent the request, instead of forwarding it."""
    if process := _client_of(exchange):
        os.kill(process, signal.SIGKILL)
    exchange.reset()


def _client_of(exchange: Exchange) -> int | None:
    """Return the id of the process at the other end of the connection, or None if it has ended."""
    # Another process may have the same port for a connection to another server.
    ends = [f"0100007F:{port:04X}" for port in (exchange.port, exchange.server_port)]
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    links = {f"socket:[{fields[9]}]" for fields in sockets if fields[1:3] == ends}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # processes come and go
            if link.readlink().name in links:
                return int(link.parts[2])
    return None
