"""What networks and servers do to a request: faults for `tests.support.fault_proxy`."""

import gzip
import os
import signal
from contextlib import suppress
from pathlib import Path
from time import sleep

from tests.support.fault_proxy import Exchange, Fault, passed_on, response


def reset_before_the_body(exchange: Exchange) -> None:
    """Nothing of the body is read."""
    exchange.reset()


def resets_the_next(connections: int) -> Fault:
    """This one, and so many new ones as soon as they are accepted."""

    def connections_reset(exchange: Exchange) -> None:
        exchange.handler.server.resets = connections
        exchange.reset()

    return connections_reset


def closed_afterwards(exchange: Exchange) -> None:
    """Passed on, and the connection not kept."""
    passed_on(exchange)
    exchange.handler.close_connection = True


def reset_within_the_body(exchange: Exchange) -> None:
    """Part of the body is read."""
    exchange.read(100)
    exchange.reset()


def response_lost(exchange: Exchange) -> None:
    """Written, but nobody hears of it."""
    exchange.apply()
    exchange.reset()


def response_truncated(exchange: Exchange) -> None:
    """Written, and half a status line sent."""
    exchange.send(exchange.apply()[:12])
    exchange.reset()


def applied_then_503(exchange: Exchange) -> None:
    """Written, and a lie about it."""
    exchange.apply()
    exchange.send(response(503, b'{"code": "unavailable", "message": "timed out waiting for the write"}'))


def body_truncated(exchange: Exchange) -> None:
    """Half of the answer."""
    answer = exchange.apply()
    exchange.send(answer[: len(answer) - (len(answer) - answer.index(b"\r\n\r\n")) // 2])
    exchange.reset()


def slow(exchange: Exchange) -> None:
    """The body is read in small steps, and the answer takes its time."""
    for _ in range(5):
        exchange.read(200)
        sleep(0.1)
    sleep(1)
    passed_on(exchange)


def silent(exchange: Exchange) -> None:
    """Nothing is ever answered."""
    exchange.read()
    exchange.handler.server.ended.wait()
    exchange.reset()


def refuses(marker: bytes) -> Fault:
    """As 2.7 refuses a malformed line: a body that holds `marker` is answered 400, and nothing of it is written."""

    def refused(exchange: Exchange) -> None:
        exchange.read()
        if marker in gzip.decompress(exchange.body):
            exchange.send(response(400, b'{"code": "invalid", "message": "unable to parse"}'))
        else:
            passed_on(exchange)

    return refused


def holds_at_most(size: int) -> Fault:
    """A larger body, unpacked, is answered 413."""

    def limited(exchange: Exchange) -> None:
        exchange.read()
        if len(gzip.decompress(exchange.body)) > size:
            exchange.send(response(413, b'{"code": "request too large", "message": "points batch is too large"}'))
        else:
            passed_on(exchange)

    return limited


def answers(status: int, content: bytes = b"", **headers: str) -> Fault:
    """Answer in the server's place; `Retry_After="1"` makes a header Retry-After."""

    def answered(exchange: Exchange) -> None:
        exchange.read()
        exchange.send(response(status, content, {name.replace("_", "-"): value for name, value in headers.items()}))

    answered.__name__ = f"answers {status}"
    return answered


slow_down = answers(503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
"""As S3 throttles."""


def killed(exchange: Exchange) -> None:
    """The function that asks, before the request is passed on."""
    if process := _client_of(exchange):
        os.kill(process, signal.SIGKILL)
    exchange.reset()


def _client_of(exchange: Exchange) -> int | None:
    """The process at the other end of the connection, if it is still there."""
    local = f"0100007F:{exchange.port:04X}"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    links = {f"socket:[{fields[9]}]" for fields in sockets if fields[1] == local}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # processes come and go
            if link.readlink().name in links:
                return int(link.parts[2])
    return None
