"""AWS on the loopback interface: ministack, patched where it is more lenient than AWS."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self
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

FUNCTIONS_PER_CORE, MIN_FUNCTIONS = 4, 8
"""More functions at once do not make a burst of files faster, but slower: each needs a process of its own, whose start
takes more processor time than dozens of calls."""


class Limits(NamedTuple):
    """How many functions may run at once, and how many processes they may have, idle ones included."""

    functions: int
    processes: int


def limits_of_this_machine() -> Limits:
    """Return as many processes as fit into the memory, and as many functions as the cores can run."""
    memory_mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    processes = max(MIN_PROCESSES, min(MAX_PROCESSES, memory_mib // MIB_PER_PROCESS))
    functions = max(MIN_FUNCTIONS, FUNCTIONS_PER_CORE * (os.cpu_count() or 1))
    return Limits(min(functions, processes // 2), processes)


class Usage(NamedTuple):
    """How much the emulator has run, since its start.

    Attributes:
        executions: The largest number of executions that ran at once, those of backfills included.
        functions: The largest number of functions that ran at once.
        processes: The largest number of processes of functions, idle ones included.
        invocations: The number of invocations.
        throttled: The number of invocations that were throttled.
    """

    executions: int = 0
    functions: int = 0
    processes: int = 0
    invocations: int = 0
    throttled: int = 0

    def __str__(self) -> str:
        return (
            f"{self.invocations:,} invocations, {self.throttled:,} throttled; at once at most {self.executions:,} "
            f"executions, and {self.functions} functions in {self.processes} processes"
        )


class Emulator:
    """A context manager that runs ministack.

    Args:
        folder: Holds all its files.
        limits: How many functions may run at once; by default as many as this machine is good for.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._folder = folder
        self._usage_file = folder / "usage.json"
        self._limits = limits or limits_of_this_machine()
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

    def usage(self) -> Usage:
        """Return the largest numbers so far."""
        self._usage_file.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR2)
        self._process.wait_until(self._usage_file.exists)
        return Usage(**json.loads(self._usage_file.read_text()))

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
            "LAMBDA_ACCOUNT_CONCURRENCY": str(self._limits.functions),
            "LOCAL_FUNCTION_PROCESSES": str(self._limits.processes),
            "LOCAL_USAGE_FILE": str(self._usage_file),
            "LOCAL_CALLS": str(self._folder / CALLS),
            **CREDENTIALS,
        }
