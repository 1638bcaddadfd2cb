"""The deployment's configuration: CDK context (`cdk.json`, `-c key=value`), refused at synth with the key's name.

Each field is a context key, "" where it is not set. Everything is given by name or id, so that `cdk synth` needs
neither credentials nor look-ups.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, cast, get_args

from infra_cdk import context as read
from infra_cdk.context import Context
from infra_cdk.network_config import DatabaseConfig, NetworkConfig, database_config, network_config
from shared.errors import SettingsError
from shared.settings import LEASE_SECONDS, boolean, integer, share

Architecture = Literal["arm64", "x86_64"]
PythonVersion = Literal["3.11", "3.12", "3.13"]

RETENTION_DAYS = ("1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731")
LONGEST_ALARM_HOURS = 168


@dataclass(frozen=True, kw_only=True)
class InfluxConfig:
    """Where points go. `influxdb_ca_bundle` is a PEM file; without `token_secret_name` the stack makes a secret."""

    influxdb_url: str
    influxdb_org: str
    influxdb_bucket: str
    influxdb_ca_bundle: str
    token_secret_name: str


@dataclass(frozen=True, kw_only=True)
class StorageConfig:
    """Where files come from, and which keys encrypt.

    Without `source_bucket_name` the stack makes a bucket. What it makes is encrypted by `kms_key_arn`, else by S3's
    own key; `decrypt_key_arns` are those of a bucket and a secret that exist.
    """

    source_bucket_name: str
    source_prefix: str
    kms_key_arn: str
    decrypt_key_arns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FunctionsConfig:
    """How the functions work and on what. `write_reserved_concurrency` 0 is no limit.

    For `lease_seconds` a file is left to the execution that claimed it: no execution lasts longer.

    `python` 3.11 is for local deployments only: Lambda runs it on glibc 2.26, and pyarrow's wheels ask for 2.28.
    """

    max_batch_size: int
    max_retries: int
    enable_validation: bool
    drop_invalid_records: bool
    max_collision_rate: float
    architecture: Architecture
    python: PythonVersion
    write_reserved_concurrency: int
    lease_seconds: int


@dataclass(frozen=True, kw_only=True)
class MachineConfig:
    """What `state_machine.settings.MachineSettings` takes."""

    write_concurrency: int
    convert_concurrency: int
    backoff_seconds: int
    transient_attempts: int


@dataclass(frozen=True, kw_only=True)
class MonitoringConfig:
    """Who is told, of what. `alarm_hours_without_load` 0 is no such alarm; no address, no subscriber."""

    alarm_email: str
    alarm_hours_without_load: int
    log_retention_days: int
    debug_sample_rate: float


@dataclass(frozen=True, kw_only=True)
class LoaderConfig:
    """`network` is None where the functions run outside of any VPC."""

    influx: InfluxConfig
    storage: StorageConfig
    functions: FunctionsConfig
    machine: MachineConfig
    monitoring: MonitoringConfig
    network: NetworkConfig | None


GROUPS = (
    InfluxConfig,
    StorageConfig,
    FunctionsConfig,
    MachineConfig,
    MonitoringConfig,
    NetworkConfig,
    DatabaseConfig,
)
KEYS = {field.name for group in GROUPS for field in fields(group)}


@dataclass(frozen=True, kw_only=True)
class AppConfig:
    """Which stacks there are."""

    loader: LoaderConfig | None
    database: DatabaseConfig | None


def app_config(context: Mapping[str, object]) -> AppConfig:
    """The loader's stack, and the database's if it is asked for; that one alone until its URL is known."""
    database = database_config(read.settings(context, KEYS))
    alone = database is not None and not context.get("influxdb_url")
    return AppConfig(loader=None if alone else loader_config(context), database=database)


def loader_config(context: Mapping[str, object]) -> LoaderConfig:
    """From context values, typed or as text; a key left out takes the functions' own default. Raises SettingsError."""
    given = read.settings(context, KEYS)
    return LoaderConfig(
        influx=_influx(given),
        storage=_storage(given),
        functions=_functions(given),
        machine=_machine(given),
        monitoring=_monitoring(given),
        network=network_config(given),
    )


def _influx(given: Context) -> InfluxConfig:
    return InfluxConfig(
        influxdb_url=read.url(given, "influxdb_url"),
        influxdb_org=read.required(given, "influxdb_org"),
        influxdb_bucket=read.required(given, "influxdb_bucket"),
        influxdb_ca_bundle=read.file(given, "influxdb_ca_bundle"),
        token_secret_name=given.get("token_secret_name", ""),
    )


def _storage(given: Context) -> StorageConfig:
    return StorageConfig(
        source_bucket_name=read.optional(given, "source_bucket_name", read.BUCKET),
        source_prefix=read.optional(given, "source_prefix", read.KEY_PREFIX),
        kms_key_arn=read.optional(given, "kms_key_arn", read.KMS_KEY),
        decrypt_key_arns=read.several(given, "decrypt_key_arns", read.KMS_KEY),
    )


def _functions(given: Context) -> FunctionsConfig:
    architecture = read.one_of(given, "architecture", get_args(Architecture), default="arm64")
    python = read.one_of(given, "python", get_args(PythonVersion), default="3.13")
    return FunctionsConfig(
        max_batch_size=integer(given, "max_batch_size", default=1000, minimum=1),
        max_retries=integer(given, "max_retries", default=3, minimum=0),
        enable_validation=boolean(given, "enable_validation", default=True),
        drop_invalid_records=boolean(given, "drop_invalid_records", default=True),
        max_collision_rate=share(given, "max_collision_rate", default=0.05),
        architecture=cast(Architecture, architecture),
        python=cast(PythonVersion, python),
        write_reserved_concurrency=integer(given, "write_reserved_concurrency", default=0, minimum=0),
        lease_seconds=integer(given, "lease_seconds", default=LEASE_SECONDS, minimum=1),
    )


def _machine(given: Context) -> MachineConfig:
    return MachineConfig(
        write_concurrency=integer(given, "write_concurrency", default=4, minimum=1),
        convert_concurrency=integer(given, "convert_concurrency", default=10, minimum=1),
        backoff_seconds=integer(given, "backoff_seconds", default=2, minimum=1),
        transient_attempts=integer(given, "transient_attempts", default=6, minimum=1),
    )


def _monitoring(given: Context) -> MonitoringConfig:
    hours = integer(given, "alarm_hours_without_load", default=24, minimum=0)
    if hours > LONGEST_ALARM_HOURS:
        raise SettingsError(f"alarm_hours_without_load is {hours}: CloudWatch looks back {LONGEST_ALARM_HOURS} hours")
    return MonitoringConfig(
        alarm_email=read.optional(given, "alarm_email", read.EMAIL),
        alarm_hours_without_load=hours,
        log_retention_days=int(read.one_of(given, "log_retention_days", RETENTION_DAYS, default="30")),
        debug_sample_rate=share(given, "debug_sample_rate", default=0.01),
    )
