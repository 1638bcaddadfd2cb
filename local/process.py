"""Child processes that cannot outlive this one, each in its own session with its output in a log file.

`Process` starts the command under a small shell program, `_LEASH`, that kills the whole process group when this
process ends. `free_ports` and `is_serving` help to start servers.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from typing import IO, Self, cast

GRACE_S = 1.5

_PORTS = range(10_000, 32_768)
"""The ports for servers. By default, Linux gives those from 32,768 on to connections, and other systems higher ones."""

_LEASH = """
exec 3<&0 </dev/null
( { read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 & )
exec 3<&-
exec "$@"
"""
"""A shell program that runs the command, and a companion that kills the process group when its standard input closes.

The kernel closes that pipe however this process ends, even by SIGKILL, and whichever thread started the child.
"""


class ProcessError(RuntimeError):
    """A child process failed. The message ends with the last lines of its log."""


class Process:
    """A command that runs in the background, in its own process group."""

    def __init__(
        self, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.name = Path(command[0]).name
        self.log = log
        self._stopping = False
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
        """The exit status: None while the command runs, negative if a signal ended it."""
        return self._popen.poll()

    def stop(self) -> None:
        """Send SIGTERM to the process group, and SIGKILL after GRACE_S seconds."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(GRACE_S)
        self.kill()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the command only, not to its process group."""
        self._popen.send_signal(number)

    def kill(self) -> None:
        """Send SIGKILL to the process group, as if it had crashed."""
        self._signal(signal.SIGKILL)
        self._popen.wait()
        self._leash.close()

    def follow(self) -> Iterator[str]:
        """Yield the lines of output as they are written, until the command ends.

        Raises:
            ProcessError: The exit status is not 0.
        """
        with self, self.log.open(errors="replace") as log:
            while self.returncode is None:
                yield from log
                time.sleep(0.05)
            yield from log
        if self.returncode != 0:
            raise self._error(f"failed with exit status {self.returncode}")

    def wait_until(self, ready: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait until `ready()` returns True.

        Raises:
            ProcessError: The command ended before, or was not ready within `timeout_s` and has been stopped.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.returncode is not None or time.monotonic() > deadline:
                self.stop()
                raise self._error("did not start")
            time.sleep(0.02)

    def report_unexpected_end(self, server: str) -> None:
        """Print a message if the command ends before it is stopped, since those who use it see only failed requests."""
        Thread(target=self._report_end, args=(server,), daemon=True).start()

    def _report_end(self, server: str) -> None:
        status = self._popen.wait()
        if not self._stopping:
            cause = (
                f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
            )
            hint = " (probably because memory ran out)" if status == -signal.SIGKILL else ""
            sys.stderr.write(f"{self._error(f'{cause}{hint}: start the local cloud again', server)}\n")

    def _signal(self, number: signal.Signals) -> None:
        self._stopping = True
        if not self._leash.closed:  # the companion keeps the group id in use until then
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, number)

    def _error(self, problem: str, name: str = "") -> ProcessError:
        tail = self.log.read_text(errors="replace").splitlines()[-20:]
        return ProcessError("\n".join([f"{name or self.name} {problem}", *tail]))


def free_ports(count: int) -> list[int]:
    """Return `count` TCP ports of 127.0.0.1 that are free now, and that the kernel gives to no connection.

    A connection with the port of a server would prevent it from starting. It could even be one to this server, while it
    is down: on such a port, the kernel may connect a socket with itself.
    """
    ports: list[int] = []
    with ExitStack() as stack:
        for port in random.sample(_PORTS, len(_PORTS)):
            with suppress(OSError):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                ports.append(port)
            if len(ports) == count:
                return ports
    raise ProcessError(f"all ports of 127.0.0.1 from {_PORTS[0]} to {_PORTS[-1]} are in use")


def is_serving(port: int, path: str) -> bool:
    """Return True if an HTTP server on `port` answers a GET of `path` with a status below 400."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status < HTTPStatus.BAD_REQUEST
    return False
