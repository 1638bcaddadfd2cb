"""A real InfluxDB storage engine: Debian's influxd 1.6.7, unpacked but not installed.

`influxd` downloads and unpacks the package once; `Engine` runs it. The engine serves /write, /query and /ping of
InfluxDB 1.x; `local.influxdb.gateway` makes it answer like InfluxDB 2.7.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import MappingProxyType

from local import BUILD
from local.influxdb.buckets import create_bucket, delete_bucket
from local.influxdb.engine_client import EngineClient
from local.process import Process, free_ports, is_serving

DOCKER_RUN = """docker run -d -p 127.0.0.1:8086:8086 -e DOCKER_INFLUXDB_INIT_MODE=setup \\
    -e DOCKER_INFLUXDB_INIT_USERNAME=admin -e DOCKER_INFLUXDB_INIT_PASSWORD=local-password \\
    -e DOCKER_INFLUXDB_INIT_ORG=ons -e DOCKER_INFLUXDB_INIT_BUCKET=energy \\
    -e DOCKER_INFLUXDB_INIT_ADMIN_TOKEN=local-token influxdb:2.7"""

_UNAVAILABLE = f"""Debian's package influxdb cannot be downloaded: {{reason}}
Use Debian 12 and run apt-get update first, or use your own InfluxDB, for example
  {DOCKER_RUN}
  export INFLUXDB_URL=http://127.0.0.1:8086 INFLUXDB_ORG=ons INFLUXDB_BUCKET=energy INFLUXDB_TOKEN=local-token"""


class EngineUnavailableError(RuntimeError):
    """The engine cannot be downloaded on this machine; the message says what to do instead."""


def influxd() -> Path:
    """Return the path of the engine's program, after downloading it once into build/influxdb.

    Raises:
        EngineUnavailableError: The package cannot be downloaded.
    """
    unpacked = BUILD / "influxdb"
    if not unpacked.exists():
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            fetch_package(Path(folder))
            with suppress(OSError):  # another process has just renamed its own
                (Path(folder) / "influxdb").rename(unpacked)
    return unpacked / "usr/bin/influxd"


def fetch_package(folder: Path) -> None:
    """Download the package and unpack it into folder/influxdb.

    Raises:
        EngineUnavailableError: apt-get is missing or failed.
    """
    try:
        _run("apt-get", "-o", "APT::Sandbox::User=root", "download", "-qq", "influxdb", cwd=folder)
        _run("dpkg-deb", "-x", *map(str, folder.glob("influxdb_*.deb")), "influxdb", cwd=folder)
    except FileNotFoundError as error:
        raise EngineUnavailableError(_UNAVAILABLE.format(reason=f"{error.filename} is not installed")) from None
    except subprocess.CalledProcessError as error:
        raise EngineUnavailableError(_UNAVAILABLE.format(reason=error.stderr.strip())) from None


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)


class Engine:
    """An influxd process that can be stopped and started again with the same data and port.

    Args:
        folder: Holds its data and log.
        settings: Environment variables that change influxd's settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        self._folder = folder
        self._settings = settings
        self.port, self._rpc_port = free_ports(2)
        self._process: Process | None = None

    def start(self) -> None:
        """Start the engine and wait until it answers."""
        self._process = Process(
            [str(influxd()), "run", "-config", os.devnull],
            log=self._folder / "influxd.log",
            env=self._environment(),
        )
        self._process.wait_until(lambda: is_serving(self.port, "/ping"))
        self._process.report_unexpected_end("influxd")

    def stop(self) -> None:
        """Stop the engine cleanly."""
        if self._process:
            self._process.stop()

    def kill(self) -> None:
        """Kill the engine, as if it had crashed."""
        if self._process:
            self._process.kill()

    def create_bucket(self, name: str, retention: str = "INF") -> None:
        """Create the database of a bucket. `retention` is an InfluxQL duration such as 1h."""
        with closing(EngineClient(self.port)) as client:
            create_bucket(client, name, retention)

    def delete_bucket(self, name: str) -> None:
        """Delete the database of a bucket with all its points."""
        with closing(EngineClient(self.port)) as client:
            delete_bucket(client, name)

    def _environment(self) -> dict[str, str]:
        """Return the settings: no limits that 2.7 lacks, and no reports to InfluxData."""
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
            **self._settings,
        }
