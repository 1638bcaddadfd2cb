"""The environment of the functions, read when it is needed and refused with the variable's name."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import SettingsError

STACK_NAME = "InfluxdbLoader"


@dataclass(frozen=True, kw_only=True)
class InfluxSettings:
    """Where to write, and as whom. `token` is "" where the secret holds it, `ca_bundle` where the system's CAs do."""

    url: str
    org: str
    bucket: str
    token: str
    token_secret_name: str
    ca_bundle: str

    def __repr__(self) -> str:
        return f"InfluxSettings(url={self.url!r}, org={self.org!r}, bucket={self.bucket!r})"


def influx_settings(environ: Mapping[str, str] = os.environ) -> InfluxSettings:
    """From `INFLUXDB_*`. Raises SettingsError."""
    settings = InfluxSettings(
        url=_required(environ, "INFLUXDB_URL"),
        org=_required(environ, "INFLUXDB_ORG"),
        bucket=_required(environ, "INFLUXDB_BUCKET"),
        token=environ.get("INFLUXDB_TOKEN", ""),
        token_secret_name=environ.get("INFLUXDB_TOKEN_SECRET_NAME", ""),
        ca_bundle=environ.get("INFLUXDB_CA_BUNDLE", ""),
    )
    if not (settings.token or settings.token_secret_name):
        raise SettingsError("set INFLUXDB_TOKEN_SECRET_NAME (or INFLUXDB_TOKEN) in the function's environment")
    return settings


@dataclass(frozen=True, kw_only=True)
class DeliverySettings:
    """How often one invocation asks again, and whether points that InfluxDB refuses may be set aside."""

    max_retries: int
    drop_invalid_records: bool


def delivery_settings(environ: Mapping[str, str] = os.environ) -> DeliverySettings:
    """From `MAX_RETRIES` and `DROP_INVALID_RECORDS`. Raises SettingsError."""
    return DeliverySettings(
        max_retries=integer(environ, "MAX_RETRIES", default=3, minimum=0),
        drop_invalid_records=boolean(environ, "DROP_INVALID_RECORDS", default=True),
    )


@dataclass(frozen=True, kw_only=True)
class ConversionSettings:
    """How records become batches."""

    max_batch_size: int
    validate: bool
    drop_invalid_records: bool
    max_collision_rate: float


def conversion_settings(environ: Mapping[str, str] = os.environ) -> ConversionSettings:
    """From `MAX_BATCH_SIZE`, `ENABLE_VALIDATION`, `DROP_INVALID_RECORDS` and `MAX_COLLISION_RATE`."""
    return ConversionSettings(
        max_batch_size=integer(environ, "MAX_BATCH_SIZE", default=1000, minimum=1),
        validate=boolean(environ, "ENABLE_VALIDATION", default=True),
        drop_invalid_records=boolean(environ, "DROP_INVALID_RECORDS", default=True),
        max_collision_rate=share(environ, "MAX_COLLISION_RATE", default=0.05),
    )


def work_bucket(environ: Mapping[str, str] = os.environ) -> str:
    """The name of WORK_BUCKET. Raises SettingsError."""
    return _required(environ, "WORK_BUCKET")


def ledger_table(environ: Mapping[str, str] = os.environ) -> str:
    """The name of LEDGER_TABLE. Raises SettingsError."""
    return _required(environ, "LEDGER_TABLE")


LEASE_SECONDS = 6 * 3600 + 1800
"""Longer than an execution lasts, and than a function that it called before it was stopped."""


def lease_seconds(environ: Mapping[str, str] = os.environ) -> int:
    """How long a claim holds if its execution never settles it."""
    return integer(environ, "LEASE_SECONDS", default=LEASE_SECONDS, minimum=1)


def integer(environ: Mapping[str, str], name: str, *, default: int, minimum: int) -> int:
    """A whole number of at least `minimum`. Raises SettingsError."""
    text = environ.get(name, str(default))
    if not text.strip().isdecimal() or int(text) < minimum:
        raise SettingsError(f"{name} is {text!r}: give a whole number of at least {minimum}")
    return int(text)


def boolean(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Either `true` or `false`, in any case. Raises SettingsError."""
    text = environ.get(name, str(default))
    if text.strip().lower() not in ("true", "false"):
        raise SettingsError(f"{name} is {text!r}: give true or false")
    return text.strip().lower() == "true"


def share(environ: Mapping[str, str], name: str, *, default: float) -> float:
    """A number from 0 to 1. Raises SettingsError."""
    text = environ.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise SettingsError(f"{name} is {text!r}: give a number from 0 to 1")
    return value


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set in the function's environment")
    return value
