"""AWS and InfluxDB on this machine, with the app deployed to them."""

import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import boto3

from local import ROOT
from local.aws.cdk import SETTINGS, Cdk
from local.aws.emulator import CREDENTIALS, REGION, Emulator, Limits
from local.influxdb.server import InfluxTarget, LocalInfluxdb, external_target
from shared.settings import STACK_NAME

_NO_CONTEXT: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class LocalCloud:
    """A running AWS emulator and the InfluxDB that loads write to.

    Attributes:
        folder: Temporary folder with all files and logs; deleted when the cloud stops.
        influx: The address, bucket and token that loads write to.
        influxdb: The local server behind `influx`, or None if INFLUXDB_URL names a server of your own.
    """

    folder: Path
    emulator: Emulator
    influx: InfluxTarget
    influxdb: LocalInfluxdb | None

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make AWS SDKs and command lines use the emulator."""
        return {"AWS_ENDPOINT_URL": self.emulator.url, "AWS_DEFAULT_REGION": REGION, **CREDENTIALS}

    def client(self, service: str) -> Any:
        """Return a boto3 client for `service` that talks to the emulator. Each call returns the same one."""
        return _client(service, self.emulator.url)

    def table(self, name: str) -> Any:
        """Return the DynamoDB table with this name. Each call returns the same object."""
        return _table(name, self.emulator.url)

    def deploy(
        self, context: Mapping[str, str] = _NO_CONTEXT, *, on_line: Callable[[str], object] | None = None
    ) -> dict[str, str]:
        """Deploy the app and store the InfluxDB token in its secret.

        Args:
            context: Settings that override `self.context`.
            on_line: Receives each line that `cdk` prints.

        Returns:
            The outputs of the stack.

        Raises:
            ProcessError: `cdk` failed; the message ends with its last lines.
        """
        cdk = Cdk(self.folder, {**CREDENTIALS, "AWS_ENDPOINT_URL": self.emulator.url, "AWS_REGION": REGION})
        with closing(cdk.deploy(ROOT, {**self.context, **context})) as lines:
            for line in lines:
                if on_line:
                    on_line(line)
        outputs = cdk.outputs(STACK_NAME)
        self.client("secretsmanager").put_secret_value(
            SecretId=outputs["TokenSecretName"], SecretString=self.influx.token
        )
        return outputs

    @property
    def settings_file(self) -> Path:
        """The file with the settings of the last deployment."""
        return self.folder / SETTINGS

    @property
    def context(self) -> dict[str, str]:
        """The settings of the deployment. Those of the user's `loader.toml` do not apply.

        Functions run on this machine with this Python, so the layers must be built for both.
        """
        return {
            "influxdb_url": self.influx.url,
            "allow_plain_http": "true",
            "influxdb_org": self.influx.org,
            "influxdb_bucket": self.influx.bucket,
            "architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
            # A sweep that starts by itself would load what a test left behind.
            "sweep_minutes": "0",
        }


@cache
def _session() -> boto3.Session:
    return boto3.Session(region_name=REGION, **{name.lower(): value for name, value in CREDENTIALS.items()})  # type: ignore[arg-type]


@cache
def _client(service: str, url: str) -> Any:
    """Create a client once, because that takes 50 to 130 ms of CPU time in a new session."""
    return _session().client(service, endpoint_url=url)  # type: ignore[call-overload]


@cache
def _table(name: str, url: str) -> Any:
    return _session().resource("dynamodb", endpoint_url=url).Table(name)


@contextmanager
def local_cloud(*, limits: Limits | None = None) -> Iterator[LocalCloud]:
    """Start the emulator and InfluxDB. On exit, stop every process and delete every file.

    Args:
        limits: How many functions may run at once; by default as many as this machine is good for.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="influxdb-loader-", ignore_cleanup_errors=True)))
        influx, influxdb = external_target(), None
        if influx is None:
            influxdb = stack.enter_context(LocalInfluxdb(folder))
            influx = influxdb.target
        emulator = stack.enter_context(Emulator(folder, limits))
        yield LocalCloud(folder=folder, emulator=emulator, influx=influx, influxdb=influxdb)
