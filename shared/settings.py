"""The environment variables of the functions.

They are read when they are needed. A SettingsError names the variable that is missing or invalid.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.errors import SettingsError
from shared.file_keys import ANY_SUFFIX, FILE_SUFFIX, FileRule

STACK_NAME = "InfluxdbLoader"
"""The CloudFormation stack that `cdk deploy` creates and the commands look for by default."""


@dataclass(frozen=True, kw_only=True)
class InfluxSettings:
    """The InfluxDB server and its default bucket.

    `token` is "" if the secret holds it. `ca_bundle` is "" if the system's CA certificates suffice.
    """

    url: str
    org: str
    bucket: str
    token: str
    token_secret_name: str
    ca_bundle: str

    def __repr__(self) -> str:
        return f"InfluxSettings(url={self.url!r}, org={self.org!r}, bucket={self.bucket!r})"


def influx_settings(environ: Mapping[str, str] = os.environ) -> InfluxSettings:
    """Return the settings from `INFLUXDB_*`. Raise SettingsError if one is missing."""
    settings = InfluxSettings(
        url=_required(environ, "INFLUXDB_URL"),
        org=_required(environ, "INFLUXDB_ORG"),
        bucket=_required(environ, "INFLUXDB_BUCKET"),
        token=environ.get("INFLUXDB_TOKEN", ""),
        token_secret_name=environ.get("INFLUXDB_TOKEN_SECRET_NAME", ""),
        ca_bundle=environ.get("INFLUXDB_CA_BUNDLE", ""),
    )
    if not (settings.token or settings.token_secret_name):
        raise SettingsError(
            "no token: set INFLUXDB_TOKEN_SECRET_NAME (or INFLUXDB_TOKEN) in the function's environment"
        )
    return settings


@dataclass(frozen=True, kw_only=True)
class DeliverySettings:
    """The number of retries in one invocation, and the permission to drop points that InfluxDB rejects."""

    max_retries: int
    drop_invalid_records: bool


def delivery_settings(environ: Mapping[str, str] = os.environ) -> DeliverySettings:
    """Return the settings from `MAX_RETRIES` and `DROP_INVALID_RECORDS`. Raise SettingsError if one is invalid."""
    return DeliverySettings(
        max_retries=integer(environ, "MAX_RETRIES", default=3, minimum=0),
        drop_invalid_records=boolean(environ, "DROP_INVALID_RECORDS", default=True),
    )


@dataclass(frozen=True, kw_only=True)
class ConversionSettings:
    """The rules by which records become batches."""

    max_batch_size: int
    validate: bool
    drop_invalid_records: bool
    max_collision_rate: float
    max_set_aside_rate: float = 1.0
    max_series: int = 100_000


def conversion_settings(environ: Mapping[str, str] = os.environ) -> ConversionSettings:
    """Return the settings from six variables. Raise SettingsError if one is invalid.

    They are `MAX_BATCH_SIZE`, `ENABLE_VALIDATION`, `DROP_INVALID_RECORDS`, `MAX_COLLISION_RATE`, `MAX_SET_ASIDE_RATE`
    and `MAX_SERIES`.
    """
    return ConversionSettings(
        max_batch_size=integer(environ, "MAX_BATCH_SIZE", default=1000, minimum=1),
        validate=boolean(environ, "ENABLE_VALIDATION", default=True),
        drop_invalid_records=boolean(environ, "DROP_INVALID_RECORDS", default=True),
        max_collision_rate=share(environ, "MAX_COLLISION_RATE", default=0.05),
        max_set_aside_rate=max_set_aside_rate(environ),
        max_series=max_series(environ),
    )


def max_set_aside_rate(environ: Mapping[str, str] = os.environ) -> float:
    """Return the share of a file's rows that may be set aside, from `MAX_SET_ASIDE_RATE`."""
    return share(environ, "MAX_SET_ASIDE_RATE", default=1.0)


def max_rejected_rate(environ: Mapping[str, str] = os.environ) -> float:
    """Return the share of a load's points that InfluxDB may reject, from `MAX_REJECTED_RATE`."""
    return share(environ, "MAX_REJECTED_RATE", default=0.01)


MAX_SERIES = 100_000
"""The number of series that a file may have, unless its dataset declares another."""


def max_series(environ: Mapping[str, str] = os.environ) -> int:
    """Return the number of series that a file may have. Raise SettingsError if `MAX_SERIES` is invalid."""
    return integer(environ, "MAX_SERIES", default=MAX_SERIES, minimum=1)


def file_rule(environ: Mapping[str, str] = os.environ) -> FileRule:
    """Return the rule for the keys of files, from `FILE_SUFFIXES` and `SOURCE_PREFIX`."""
    return FileRule(suffixes(environ, "FILE_SUFFIXES"), environ.get("SOURCE_PREFIX", ""))


CONVERSION_MEMORY_MIB = 1769
"""The memory of ConvertAndChunk: with 1,769 MiB a function has one whole processor."""

MEMORY_VARIABLE = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
"""The environment variable in which Lambda tells a function its memory in MiB."""


def work_bucket(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the work bucket. Raise SettingsError if `WORK_BUCKET` is not set."""
    return _required(environ, "WORK_BUCKET")


def stack_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the stack that the function belongs to, from `STACK_NAME`, or "" outside a stack."""
    return environ.get("STACK_NAME", "")


def log_groups(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the log groups of all functions of the stack, from `LOG_GROUPS`; none outside a stack."""
    return [name for name in environ.get("LOG_GROUPS", "").split(",") if name]


def ledger_table(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the ledger's table. Raise SettingsError if `LEDGER_TABLE` is not set."""
    return _required(environ, "LEDGER_TABLE")


def default_bucket(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the default InfluxDB bucket. Raise SettingsError if `INFLUXDB_BUCKET` is not set."""
    return _required(environ, "INFLUXDB_BUCKET")


OUTAGE_PATIENCE = 1800
"""How many seconds to wait for InfluxDB without progress. A load must end by itself before its time limit ends it."""


def outage_patience_s(environ: Mapping[str, str] = os.environ) -> int:
    """Return how many seconds to wait for InfluxDB. Raise SettingsError if `OUTAGE_PATIENCE` is invalid."""
    return integer(environ, "OUTAGE_PATIENCE", default=OUTAGE_PATIENCE, minimum=0)


LEASE_SECONDS = 6 * 3600 + 1800
"""The time limit of an execution, and half an hour more for a function that is still running when it is stopped."""


def lease_seconds(environ: Mapping[str, str] = os.environ) -> int:
    """Return the number of seconds after which a claim ends if its execution does not settle it."""
    return integer(environ, "LEASE_SECONDS", default=LEASE_SECONDS, minimum=1)


STALE_PAUSE_SECONDS = 15 * 60
"""For how long no file of a revision must have arrived before the points of the revision before can be stale."""


def stale_pause_s(environ: Mapping[str, str] = os.environ) -> int:
    """Return that number of seconds. Raise SettingsError if `STALE_PAUSE_SECONDS` is invalid."""
    return integer(environ, "STALE_PAUSE_SECONDS", default=STALE_PAUSE_SECONDS, minimum=0)


MAX_STALE_RATE = 0.1
"""The share of the points of a replaced load that may be deleted without --force: more of them may be a mistake."""


def max_stale_rate(environ: Mapping[str, str] = os.environ) -> float:
    """Return that share. Raise SettingsError if `MAX_STALE_RATE` is invalid."""
    return share(environ, "MAX_STALE_RATE", default=MAX_STALE_RATE)


def sweep_since(environ: Mapping[str, str] = os.environ) -> datetime | None:
    """Return the time from `SWEEP_SINCE`, before which the sweep ignores objects; None if it is not set.

    Raise SettingsError if it is not a time.
    """
    text = environ.get("SWEEP_SINCE", "").strip()
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"SWEEP_SINCE is {text!r}: use a time such as 2024-01-31T12:00") from error
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def integer(environ: Mapping[str, str], name: str, *, default: int, minimum: int) -> int:
    """Return a whole number. Raise SettingsError if the variable is not one, or is less than `minimum`."""
    text = environ.get(name, str(default))
    if not text.strip().isdecimal() or int(text) < minimum:
        raise SettingsError(f"{name} is {text!r}: use a whole number of at least {minimum}")
    return int(text)


def boolean(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return a Boolean. Raise SettingsError if the variable is not `true` or `false`, in lower or upper case."""
    text = environ.get(name, str(default))
    if text.strip().lower() not in ("true", "false"):
        raise SettingsError(f"{name} is {text!r}: use true or false")
    return text.strip().lower() == "true"


def share(environ: Mapping[str, str], name: str, *, default: float) -> float:
    """Return a number from 0 to 1. Raise SettingsError if the variable is not one."""
    text = environ.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise SettingsError(f"{name} is {text!r}: use a number from 0 to 1")
    return value


def suffixes(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the suffixes of files, in lower case. Raise SettingsError if the variable has anything else."""
    text = environ.get(name, FILE_SUFFIX)
    values = tuple(value.strip().lower() for value in text.split(","))
    if not all(value == ANY_SUFFIX or re.fullmatch(r"\.[^\s/*]+", value) for value in values):
        raise SettingsError(f"{name} is {text!r}: use suffixes such as .parquet,.pq or * for any file")
    return values


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set: set it in the function's environment")
    return value
