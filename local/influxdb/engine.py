"""A real InfluxDB storage engine: Debian's influxd 1.6.7, unpacked without being installed.

It has /write, /query and /ping; `local.influxdb.gateway` makes it answer as InfluxDB 2.7 does.
"""

import os
import subprocess
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from local import BUILD
from local.influxdb.engine_client import EngineClient
from local.process import Process, answers, free_ports

DOCKER_RUN = """docker run -d -p 127.0.0.1:8086:8086 -e DOCKER_INFLUXDB_INIT_MODE=setup \\
    -e DOCKER_INFLUXDB_INIT_USERNAME=admin -e DOCKER_INFLUXDB_INIT_PASSWORD=local-password \\
    -e DOCKER_INFLUXDB_INIT_ORG=ons -e DOCKER_INFLUXDB_INIT_BUCKET=energy \\
    -e DOCKER_INFLUXDB_INIT_ADMIN_TOKEN=local-token influxdb:2.7"""

_UNAVAILABLE = f"""Debian's package influxdb cannot be fetched: {{reason}}
Run on Debian 12 with package lists (apt-get update), or use an InfluxDB of your own, for example
  {DOCKER_RUN}
  export INFLUXDB_URL=http://127.0.0.1:8086 INFLUXDB_ORG=ons INFLUXDB_BUCKET=energy INFLUXDB_TOKEN=local-token"""


class EngineUnavailableError(RuntimeError):
    """This machine cannot have the engine; the message says what to do instead."""


def influxd() -> Path:
    """The engine's program, fetched once into build/influxdb. Raises EngineUnavailableError."""
    unpacked = BUILD / "influxdb"
    if not unpacked.exists():
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            fetch_package(Path(folder))
            with suppress(OSError):  # another run was faster
                (Path(folder) / "influxdb").rename(unpacked)
    return unpacked / "usr/bin/influxd"


def fetch_package(folder: Path) -> None:
    """Unpack the package into folder/influxdb. Raises EngineUnavailableError."""
    try:
        _run("apt-get", "-o", "APT::Sandbox::User=root", "download", "-qq", "influxdb", cwd=folder)
        _run("dpkg-deb", "-x", *map(str, folder.glob("influxdb_*.deb")), "influxdb", cwd=folder)
    except FileNotFoundError as error:
        raise EngineUnavailableError(_UNAVAILABLE.format(reason=f"there is no {error.filename} here")) from None
    except subprocess.CalledProcessError as error:
        raise EngineUnavailableError(_UNAVAILABLE.format(reason=error.stderr.strip())) from None


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)


class Engine:
    """influxd with its data in `folder`; it can be stopped or killed and started again on the same data and port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port, self._rpc_port = free_ports(2)
        self._process: Process | None = None

    def start(self) -> None:
        """Returns as soon as it answers."""
        self._process = Process(
            [str(influxd()), "run", "-config", os.devnull],
            log=self._folder / "influxd.log",
            env=self._environment(),
        )
        self._process.wait_until(lambda: answers(self.port, "/ping"))

    def stop(self) -> None:
        """A clean end."""
        if self._process:
            self._process.stop()

    def kill(self) -> None:
        """A crash."""
        if self._process:
            self._process.kill()

    def create_bucket(self, name: str, retention: str = "INF") -> None:
        """A bucket is a database; `retention` is an InfluxQL duration, for instance 1h."""
        with closing(EngineClient(self.port)) as client:
            client.query(f'CREATE DATABASE "{name}" WITH DURATION {retention} NAME "autogen"')

    def _environment(self) -> dict[str, str]:
        """Limits of 1.x that 2.7 does not have are off, and so is everything that talks to others."""
        data = self._folder / "data"
        return {
            "HOME": str(self._folder),
            "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{self._rpc_port}",
            "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{self.port}",
            "INFLUXDB_META_DIR": str(data / "meta"),
            "INFLUXDB_DATA_DIR": str(data / "data"),
            "INFLUXDB_DATA_WAL_DIR": str(data / "wal"),
            "INFLUXDB_DATA_INDEX_VERSION": "tsi1",
            "INFLUXDB_DATA_MAX_SERIES_PER_DATABASE": "0",
            "INFLUXDB_DATA_MAX_VALUES_PER_TAG": "0",
            "INFLUXDB_HTTP_MAX_BODY_SIZE": "0",
            "INFLUXDB_HTTP_LOG_ENABLED": "false",
            "INFLUXDB_REPORTING_DISABLED": "true",
            "INFLUXDB_MONITOR_STORE_ENABLED": "false",
            "INFLUXDB_CONTINUOUS_QUERIES_ENABLED": "false",
        }
