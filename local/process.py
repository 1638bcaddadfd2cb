"""Child processes that cannot outlive us, each in a session of its own with its output in a file."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Self, cast

GRACE_S = 1.5

_LEASH = """
exec 3<&0 </dev/null
( { read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 & )
exec 3<&-
exec "$@"
"""
"""Run the command, with a companion that kills the whole group once our end of its standard input is closed.

The system closes it however we end, SIGKILL included, and whichever thread started the child.
"""


class ProcessError(RuntimeError):
    """A child process failed; the message ends with the last lines of its log."""


class Process:
    """A running command. `returncode` is None as long as it runs."""

    def __init__(
        self, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.name = Path(command[0]).name
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                ["/bin/sh", "-c", _LEASH, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
        self._leash = cast("IO[bytes]", self._popen.stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def returncode(self) -> int | None:
        """None while it runs, negative if a signal ended it."""
        return self._popen.poll()

    def stop(self) -> None:
        """Ask the group to end, and after GRACE_S kill what is left of it."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(GRACE_S)
        self.kill()

    def send_signal(self, number: signal.Signals) -> None:
        """To the command alone, not to its group."""
        self._popen.send_signal(number)

    def kill(self) -> None:
        """SIGKILL to the group: no clean end, as after a crash."""
        self._signal(signal.SIGKILL)
        self._popen.wait()
        self._leash.close()

    def follow(self) -> Iterator[str]:
        """What it writes, as it comes, until it ends by itself. Raises ProcessError if it fails."""
        with self, self.log.open(errors="replace") as log:
            while self.returncode is None:
                yield from log
                time.sleep(0.05)
            yield from log
        if self.returncode != 0:
            raise self._error(f"failed with exit status {self.returncode}")

    def wait_until(self, ready: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Until `ready()`. Raises ProcessError, and stops it, if it ends before or takes too long."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.returncode is not None or time.monotonic() > deadline:
                self.stop()
                raise self._error("did not start")
            time.sleep(0.02)

    def _signal(self, number: signal.Signals) -> None:
        if not self._leash.closed:  # its companion holds the group's id until then
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, number)

    def _error(self, what: str) -> ProcessError:
        tail = self.log.read_text(errors="replace").splitlines()[-20:]
        return ProcessError("\n".join([f"{self.name} {what}", *tail]))


def free_ports(count: int) -> list[int]:
    """TCP ports of 127.0.0.1 that nothing listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def answers(port: int, path: str) -> bool:
    """Whether an HTTP server on `port` answers a GET without an error status."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status < HTTPStatus.BAD_REQUEST
    return False
