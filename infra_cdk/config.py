"""The configuration of a deployment, read from `loader.toml` and the CDK context (`-c key=value`).

Each field of the dataclasses is a context key with the same name; a text that is not set is "". `app_config` reads all
of them and raises SettingsError, which names the key, so that `cdk synth` fails instead of a deployment. Resources that
exist are named by name or id, so that `cdk synth` needs neither credentials nor lookups.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, cast, get_args

from infra_cdk import context as read
from infra_cdk.context import Context
from infra_cdk.influx_config import InfluxConfig, influx_config
from infra_cdk.monitoring_config import MonitoringConfig, monitoring_config
from infra_cdk.network_config import DatabaseConfig, NetworkConfig, database_config, network_config
from infra_cdk.time_limits import lease_seconds, outage_patience
from shared.errors import SettingsError
from shared.settings import (
    MAX_SERIES,
    MAX_STALE_RATE,
    STALE_PAUSE_SECONDS,
    boolean,
    integer,
    share,
    suffixes,
    sweep_since,
)
from state_machine.settings import MachineSettings

MAX_BATCH_SIZE = 5000
"""InfluxDB ingests these batches faster than those of the functions' own default."""

Architecture = Literal["arm64", "x86_64"]
PythonVersion = Literal["3.11", "3.12", "3.13"]


@dataclass(frozen=True, kw_only=True)
class StorageConfig:
    """The source of the files, and the KMS keys.

    Without `source_bucket_name`, the stack creates a bucket. `datasets` is the path of the file that declares the
    user's own datasets; `infra_cdk.app` reads it. `file_suffixes` are those of `shared.file_keys.FileRule`.
    `kms_key_arn` encrypts what the stack creates; without it, keys that AWS manages do. `decrypt_key_arns` are the keys
    of an existing bucket or secret. After `noncurrent_version_days`, older versions of files expire in the bucket that
    the stack creates, and after `report_days`, the reports; 0 means never.
    """

    source_bucket_name: str
    source_prefix: str
    datasets: str
    file_suffixes: tuple[str, ...]
    kms_key_arn: str
    decrypt_key_arns: tuple[str, ...]
    noncurrent_version_days: int
    report_days: int
    deletion_days: int


@dataclass(frozen=True, kw_only=True)
class FunctionsConfig:
    """The settings of the functions.

    `write_reserved_concurrency` 0 means no limit. A load waits `outage_patience` seconds for InfluxDB. The points of
    an older revision can be stale when no file of the newer one has arrived for `stale_pause_seconds`. A claim holds
    for `lease_seconds`, which must be longer than an execution can last. `python` 3.11 works on the local cloud only:
    Lambda runs it on glibc 2.26, and pyarrow's wheels need 2.28. With `snap_start`, the state machines invoke published
    versions, which Lambda starts from snapshots.
    """

    max_batch_size: int
    max_retries: int
    enable_validation: bool
    drop_invalid_records: bool
    max_collision_rate: float
    max_rejected_rate: float
    max_set_aside_rate: float
    max_series: int
    outage_patience: int
    stale_pause_seconds: int
    max_stale_rate: float
    architecture: Architecture
    python: PythonVersion
    snap_start: bool
    write_reserved_concurrency: int
    lease_seconds: int


@dataclass(frozen=True, kw_only=True)
class MachineConfig:
    """The settings of the state machines: see `state_machine.settings.MachineSettings`."""

    write_concurrency: int
    convert_concurrency: int
    backoff_seconds: int
    transient_attempts: int
    throttled_backoff_seconds: int
    throttled_attempts: int


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """The sweep, which loads again what can heal: every `sweep_minutes`, or never if that is 0.

    Of the objects that the ledger does not have, it loads those that were modified since `sweep_since`, or since the
    ledger was created.
    """

    sweep_minutes: int
    sweep_since: str


@dataclass(frozen=True, kw_only=True)
class LoaderConfig:
    """The configuration of the loader's stack. Without a `network`, the functions do not run in a VPC."""

    influx: InfluxConfig
    storage: StorageConfig
    functions: FunctionsConfig
    machine: MachineConfig
    sweep: SweepConfig
    monitoring: MonitoringConfig
    network: NetworkConfig | None


GROUPS = (
    InfluxConfig,
    StorageConfig,
    FunctionsConfig,
    MachineConfig,
    SweepConfig,
    MonitoringConfig,
    NetworkConfig,
    DatabaseConfig,
)
KEYS = {field.name for group in GROUPS for field in fields(group)}


@dataclass(frozen=True, kw_only=True)
class AppConfig:
    """The stacks to deploy: None for one that is not."""

    loader: LoaderConfig | None
    database: DatabaseConfig | None


def app_config(raw_context: Mapping[str, object]) -> AppConfig:
    """Return the configuration of both stacks.

    The database is optional. A new database has no URL yet, so it is deployed alone until `influxdb_url` is set.

    Args:
        raw_context: the settings of the file and the CDK context, with values as text or as JSON types.

    Raises:
        SettingsError: a key is missing, misspelled, or has an invalid value.
    """
    database = database_config(read.values_set(raw_context, KEYS))
    database_only = database is not None and not raw_context.get("influxdb_url")
    return AppConfig(loader=None if database_only else loader_config(raw_context), database=database)


def loader_config(raw_context: Mapping[str, object]) -> LoaderConfig:
    """Return the configuration of the loader's stack, with defaults for keys that are not set. Raises SettingsError."""
    context = read.values_set(raw_context, KEYS)
    return LoaderConfig(
        influx=influx_config(context),
        storage=_storage(context),
        functions=_functions(context),
        machine=_machine(context),
        sweep=_sweep(context),
        monitoring=monitoring_config(context),
        network=network_config(context),
    )


def _storage(context: Context) -> StorageConfig:
    return StorageConfig(
        source_bucket_name=read.optional(context, "source_bucket_name", read.BUCKET),
        source_prefix=read.optional(context, "source_prefix", read.KEY_PREFIX),
        datasets=read.file_path(context, "datasets"),
        file_suffixes=suffixes(context, "file_suffixes"),
        kms_key_arn=read.optional(context, "kms_key_arn", read.KMS_KEY),
        decrypt_key_arns=read.comma_separated(context, "decrypt_key_arns", read.KMS_KEY),
        noncurrent_version_days=integer(context, "noncurrent_version_days", default=0, minimum=0),
        report_days=integer(context, "report_days", default=0, minimum=0),
        deletion_days=integer(context, "deletion_days", default=90, minimum=1),
    )


def _functions(context: Context) -> FunctionsConfig:
    architecture = read.one_of(context, "architecture", get_args(Architecture), default="arm64")
    python = read.one_of(context, "python", get_args(PythonVersion), default="3.13")
    return FunctionsConfig(
        max_batch_size=integer(context, "max_batch_size", default=MAX_BATCH_SIZE, minimum=1),
        max_retries=integer(context, "max_retries", default=3, minimum=0),
        enable_validation=boolean(context, "enable_validation", default=True),
        drop_invalid_records=boolean(context, "drop_invalid_records", default=True),
        max_collision_rate=share(context, "max_collision_rate", default=0.05),
        max_rejected_rate=share(context, "max_rejected_rate", default=0.01),
        max_set_aside_rate=share(context, "max_set_aside_rate", default=1.0),
        max_series=integer(context, "max_series", default=MAX_SERIES, minimum=1),
        outage_patience=outage_patience(context),
        stale_pause_seconds=integer(context, "stale_pause_seconds", default=STALE_PAUSE_SECONDS, minimum=0),
        max_stale_rate=share(context, "max_stale_rate", default=MAX_STALE_RATE),
        architecture=cast(Architecture, architecture),
        python=cast(PythonVersion, python),
        snap_start=_snap_start(context, python),
        write_reserved_concurrency=integer(context, "write_reserved_concurrency", default=0, minimum=0),
        lease_seconds=lease_seconds(context),
    )


def _snap_start(context: Context, python: str) -> bool:
    snap_start = boolean(context, "snap_start", default=False)
    if snap_start and python == "3.11":
        raise SettingsError(
            "snap_start is true, but Lambda has no SnapStart for Python 3.11: set python to 3.12 or 3.13"
        )
    return snap_start


def _machine(context: Context) -> MachineConfig:
    usual = MachineSettings
    return MachineConfig(
        write_concurrency=integer(context, "write_concurrency", default=usual.write_concurrency, minimum=1),
        convert_concurrency=integer(context, "convert_concurrency", default=usual.convert_concurrency, minimum=1),
        backoff_seconds=_backoff_seconds(context),
        transient_attempts=integer(context, "transient_attempts", default=usual.transient_attempts, minimum=1),
        throttled_backoff_seconds=integer(
            context, "throttled_backoff_seconds", default=usual.throttled_backoff_seconds, minimum=1
        ),
        throttled_attempts=integer(context, "throttled_attempts", default=usual.throttled_attempts, minimum=1),
    )


def _backoff_seconds(context: Context) -> int:
    """Return the delay before the first retry. Step Functions refuses one that is not below the longest delay."""
    usual, longest = MachineSettings.backoff_seconds, MachineSettings.max_delay_seconds
    seconds = integer(context, "backoff_seconds", default=usual, minimum=1)
    if seconds >= longest:
        raise SettingsError(f"backoff_seconds is {seconds}: use 1 to {longest - 1}, below the longest delay")
    return seconds


def _sweep(context: Context) -> SweepConfig:
    since = context.get("sweep_since", "")
    sweep_since({"SWEEP_SINCE": since})
    minutes = integer(context, "sweep_minutes", default=15, minimum=0)
    return SweepConfig(sweep_minutes=minutes, sweep_since=since)
