"""AWS on loopback: ministack, changed where it would hide our mistakes."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from local import BUILD, ROOT
from local.process import Process, answers, free_ports

REGION = "us-east-1"
CREDENTIALS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Emulator:
    """ministack with all its files in `folder`, as a context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        temporary = self._folder / "tmp"
        temporary.mkdir()
        self._process = Process(
            [str(BUILD / "venvs/emulator/bin/python"), "-m", "local.emulator_main"],
            log=self._folder / "emulator.log",
            env=self._environment(temporary),
            cwd=ROOT,
        )
        self._process.wait_until(lambda: answers(self._port, "/_ministack/health"))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def _environment(self, temporary: Path) -> dict[str, str]:
        """All of it: functions inherit it, and must see nothing of the user's."""
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
            **CREDENTIALS,
        }
