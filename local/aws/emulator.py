"""AWS on the loopback interface: ministack, patched where it is more lenient than AWS."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

from local import BUILD, ROOT
from local.process import Process, free_ports, is_serving

REGION = "us-east-1"
HEALTH = "/_ministack/health"
CALLS = "calls.jsonl"
CREDENTIALS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


MIB_PER_PROCESS = 256
"""The memory of this machine for each process of a function: two to three times what it needs, as a margin."""

MIN_PROCESSES, MAX_PROCESSES = 16, 64
"""How many processes of functions may exist, idle ones included. Half as many functions run at the same time."""


def processes_that_fit() -> int:
    """Return how many processes of functions fit into the memory of this machine."""
    memory_mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(MIN_PROCESSES, min(MAX_PROCESSES, memory_mib // MIB_PER_PROCESS))


class Emulator:
    """A context manager that runs ministack.

    Args:
        folder: Holds all its files.
        processes: How many processes of functions may exist; by default as many as fit into the memory.
    """

    def __init__(self, folder: Path, processes: int | None = None) -> None:
        self._folder = folder
        self._processes = processes or processes_that_fit()
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        temporary = self._folder / "tmp"
        temporary.mkdir()
        self._process = Process(
            [str(BUILD / "venvs/emulator/bin/python"), "-m", "local.aws.main"],
            log=self._folder / "emulator.log",
            env=self._environment(temporary),
            cwd=ROOT,
        )
        self._process.wait_until(lambda: is_serving(self._port, HEALTH))
        self._process.report_unexpected_end("the AWS emulator")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    @contextmanager
    def enforcing_roles(self) -> Iterator[None]:
        """Enforce the IAM roles of functions that start inside this context; warm functions keep full access."""
        self._switch_roles(to="enabled")
        try:
            yield
        finally:
            self._switch_roles(to="disabled")

    def calls(self) -> list[dict[str, Any]]:
        """Return the AWS calls that were made while roles were enforced, as `local.aws.calls` records them."""
        file = self._folder / CALLS
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def _switch_roles(self, *, to: str) -> None:
        self._process.send_signal(signal.SIGUSR1)
        self._process.wait_until(lambda: self._auth() == to)

    def _auth(self) -> str:
        with urlopen(self.url + HEALTH, timeout=5) as health:  # noqa: S310 - the URL is ours
            return str(json.load(health)["auth"])

    def _environment(self, temporary: Path) -> dict[str, str]:
        """Return the whole environment: functions inherit it, and must not see the user's variables."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "LAMBDA_ACCOUNT_CONCURRENCY": str(self._processes // 2),
            "LOCAL_FUNCTION_PROCESSES": str(self._processes),
            "LOCAL_CALLS": str(self._folder / CALLS),
            **CREDENTIALS,
        }
