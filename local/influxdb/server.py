"""The InfluxDB that loads write to: engine and gateway on this machine, or the one that the environment names."""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from local import ROOT
from local.influxdb.engine import Engine
from local.influxdb.gateway import Settings
from local.process import Process, answers, free_ports
from shared.errors import SettingsError

ORG = "ons"
BUCKET = "energy"

_TARGET_VARIABLES = ("INFLUXDB_URL", "INFLUXDB_ORG", "INFLUXDB_BUCKET", "INFLUXDB_TOKEN")


@dataclass(frozen=True, kw_only=True)
class InfluxTarget:
    """Where to write, and with which token."""

    url: str
    org: str
    bucket: str
    token: str = field(repr=False)


def external_target(environ: Mapping[str, str] = os.environ) -> InfluxTarget | None:
    """What INFLUXDB_URL, _ORG, _BUCKET and _TOKEN name; None without INFLUXDB_URL. Raises SettingsError."""
    if not environ.get("INFLUXDB_URL"):
        return None
    if missing := [name for name in _TARGET_VARIABLES if not environ.get(name)]:
        raise SettingsError(f"INFLUXDB_URL is set: set {', '.join(missing)} as well, or none of them")
    url, org, bucket, token = (environ[name] for name in _TARGET_VARIABLES)
    return InfluxTarget(url=url.rstrip("/"), org=org, bucket=bucket, token=token)


class LocalInfluxdb:
    """An InfluxDB of our own in `folder`, as a context: engine and gateway, which faults may stop one by one."""

    def __init__(self, folder: Path, *, max_body_bytes: int = 0) -> None:
        self._folder = folder
        self.engine = Engine(folder)
        (self._port,) = free_ports(1)
        self._max_body_bytes = max_body_bytes
        self._gateway: Process | None = None
        self.accept_token(secrets.token_urlsafe(32))

    def __enter__(self) -> Self:
        self.engine.start()
        self.engine.create_bucket(BUCKET)
        self.start_gateway()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_gateway()
        self.engine.stop()

    @property
    def target(self) -> InfluxTarget:
        """With the token that counts now."""
        token = self._token_file.read_text()
        return InfluxTarget(url=f"http://127.0.0.1:{self._port}", org=ORG, bucket=BUCKET, token=token)

    def accept_token(self, token: str) -> None:
        """This one, and no longer the one before."""
        self._token_file.write_text(token)

    def start_gateway(self) -> None:
        """On the same port each time. Returns as soon as it answers."""
        settings = Settings(
            port=self._port,
            engine_port=self.engine.port,
            org=ORG,
            token_file=str(self._token_file),
            max_body_bytes=self._max_body_bytes,
        )
        command = [sys.executable, "-m", "local.influxdb.gateway", json.dumps(asdict(settings))]
        self._gateway = Process(command, log=self._folder / "gateway.log", cwd=ROOT)
        self._gateway.wait_until(lambda: answers(self._port, "/ping"))

    def stop_gateway(self) -> None:
        """Connections are refused from now on."""
        if self._gateway:
            self._gateway.stop()

    @property
    def _token_file(self) -> Path:
        return self._folder / "token"
