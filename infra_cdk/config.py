"""The deployment's configuration: CDK context (`cdk.json`, `-c key=value`), refused at synth with the key's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from shared.errors import SettingsError
from shared.settings import boolean, integer, share

Architecture = Literal["arm64", "x86_64"]
PythonVersion = Literal["3.11", "3.12", "3.13"]


@dataclass(frozen=True, kw_only=True)
class LoaderConfig:
    """One field for each context key. `token_secret_name` is "" where the stack creates the secret.

    `python` 3.11 is for local deployments only: Lambda runs it on glibc 2.26, and pyarrow's wheels ask for 2.28.
    """

    influxdb_url: str
    influxdb_org: str
    influxdb_bucket: str
    token_secret_name: str
    max_batch_size: int
    max_retries: int
    enable_validation: bool
    drop_invalid_records: bool
    max_collision_rate: float
    architecture: Architecture
    python: PythonVersion
    write_concurrency: int
    convert_concurrency: int
    backoff_seconds: int
    transient_attempts: int


def loader_config(context: Mapping[str, object]) -> LoaderConfig:
    """From context values, typed or as text; a key left out takes the functions' own default. Raises SettingsError."""
    given = {key: str(value).strip() for key, value in context.items() if value is not None}
    return LoaderConfig(
        influxdb_url=_url(given, "influxdb_url"),
        influxdb_org=_required(given, "influxdb_org"),
        influxdb_bucket=_required(given, "influxdb_bucket"),
        token_secret_name=given.get("token_secret_name", ""),
        max_batch_size=integer(given, "max_batch_size", default=1000, minimum=1),
        max_retries=integer(given, "max_retries", default=3, minimum=0),
        enable_validation=boolean(given, "enable_validation", default=True),
        drop_invalid_records=boolean(given, "drop_invalid_records", default=True),
        max_collision_rate=share(given, "max_collision_rate", default=0.05),
        architecture=cast(Architecture, _choice(given, "architecture", get_args(Architecture), default="arm64")),
        python=cast(PythonVersion, _choice(given, "python", get_args(PythonVersion), default="3.13")),
        write_concurrency=integer(given, "write_concurrency", default=4, minimum=1),
        convert_concurrency=integer(given, "convert_concurrency", default=10, minimum=1),
        backoff_seconds=integer(given, "backoff_seconds", default=2, minimum=1),
        transient_attempts=integer(given, "transient_attempts", default=6, minimum=1),
    )


def _required(given: Mapping[str, str], key: str) -> str:
    if not given.get(key):
        raise SettingsError(f"{key} is not set: write it into cdk.json under context, or pass -c {key}=...")
    return given[key]


def _url(given: Mapping[str, str], key: str) -> str:
    """Of a server, and nothing that could be a secret: templates are readable."""
    url = urlsplit(_required(given, key))
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.query:
        raise SettingsError(f"{key} must be https://host:port (http:// on a private network), without user or query")
    return url.geturl().rstrip("/")


def _choice(given: Mapping[str, str], key: str, choices: tuple[str, ...], *, default: str) -> str:
    value = given.get(key, default)
    if value not in choices:
        raise SettingsError(f"{key} is {value!r}: give one of {', '.join(choices)}")
    return value
