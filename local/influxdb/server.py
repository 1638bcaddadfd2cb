"""The InfluxDB that loads write to: an engine and a gateway on this machine, or the server in INFLUXDB_URL."""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Self

from local import ROOT
from local.influxdb.engine import Engine
from local.influxdb.gateway_settings import Settings
from local.influxdb.tokens import TokenFile
from local.process import Process, free_ports, is_serving
from shared.errors import SettingsError

ORG = "ons"
BUCKET = "energy"

_TARGET_VARIABLES = ("INFLUXDB_URL", "INFLUXDB_ORG", "INFLUXDB_BUCKET", "INFLUXDB_TOKEN")


@dataclass(frozen=True, kw_only=True)
class InfluxTarget:
    """The address of an InfluxDB with the organization, bucket and token to write with."""

    url: str
    org: str
    bucket: str
    token: str = field(repr=False)


def external_target(environ: Mapping[str, str] = os.environ) -> InfluxTarget | None:
    """Return the server that INFLUXDB_URL, INFLUXDB_ORG, INFLUXDB_BUCKET and INFLUXDB_TOKEN name.

    Returns:
        The server, or None if INFLUXDB_URL is not set.

    Raises:
        SettingsError: INFLUXDB_URL is set without the others.
    """
    if not environ.get("INFLUXDB_URL"):
        return None
    if missing := [name for name in _TARGET_VARIABLES if not environ.get(name)]:
        raise SettingsError(f"INFLUXDB_URL is set without {', '.join(missing)}: set all of them, or unset INFLUXDB_URL")
    url, org, bucket, token = (environ[name] for name in _TARGET_VARIABLES)
    return InfluxTarget(url=url.rstrip("/"), org=org, bucket=bucket, token=token)


class LocalInfluxdb:
    """A context manager that runs an engine and a gateway in `folder`. Tests can stop either of them.

    Args:
        folder: Holds data and logs.
        max_body_bytes: Largest body that the gateway accepts, unpacked; 0 means no limit, as in 2.7.
        read_timeout_s: How long the gateway waits for a whole body; 0 means no limit.
        delete_pace: How many times as long as 2.7.12 a delete takes; 0 means to delete at once.
        engine_settings: Environment variables that change the engine's settings.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_body_bytes: int = 0,
        read_timeout_s: float = 0,
        delete_pace: float = 0,
        engine_settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._folder = folder
        self.engine = Engine(folder, engine_settings)
        (self._port,) = free_ports(1)
        self._max_body_bytes = max_body_bytes
        self._read_timeout_s = read_timeout_s
        self._delete_pace = delete_pace
        self._token_file = folder / "tokens.json"
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
        """The address of the gateway, with the token that it accepts now."""
        token = TokenFile(self._token_file).operator_token
        return InfluxTarget(url=f"http://127.0.0.1:{self._port}", org=ORG, bucket=BUCKET, token=token)

    def accept_token(self, token: str) -> None:
        """Replace the accepted token; the previous one is rejected from now on."""
        TokenFile(self._token_file).replace_operator_token(token)

    def start_gateway(self) -> None:
        """Start the gateway, always on the same port, and wait until it answers."""
        settings = Settings(
            port=self._port,
            engine_port=self.engine.port,
            org=ORG,
            token_file=str(self._token_file),
            max_body_bytes=self._max_body_bytes,
            read_timeout_s=self._read_timeout_s,
            delete_pace=self._delete_pace,
        )
        command = [sys.executable, "-m", "local.influxdb.gateway", json.dumps(asdict(settings))]
        self._gateway = Process(command, log=self._folder / "gateway.log", cwd=ROOT)
        self._gateway.wait_until(lambda: is_serving(self._port, "/ping"))
        self._gateway.report_unexpected_end("the gateway of InfluxDB")

    def stop_gateway(self) -> None:
        """Stop the gateway, so that connections are refused."""
        if self._gateway:
            self._gateway.stop()
