"""Reading and checking of settings, which come from `loader.toml` or `-c key=value`.

`values_set` returns the keys that have a value. The other functions each return the value of one key and raise
SettingsError, with the name of the key, where it is missing or malformed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from shared.errors import SettingsError

Context = Mapping[str, str]
"""The values that are set, as text. A key that is missing or empty in the CDK context is not in here."""

CDK_KEYS = ("@aws-cdk/", "aws:cdk:")
"""Prefixes of the keys that CDK itself keeps in the context."""


@dataclass(frozen=True)
class Format:
    """A regular expression that a whole value must match, and an example for the message."""

    pattern: str
    example: str


BUCKET = Format("[a-z0-9.-]{3,63}", "my-bucket")
KEY_PREFIX = Format(r"[^*\\]+", r"processed/ (without * and \)")
KMS_KEY = Format(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/(mrk-)?[0-9a-f-]{32,36}", "arn:aws:kms:<region>:<account>:key/<id>")
EMAIL = Format(r"[^@\s]+@[^@\s]+", "grid-data@example.com")
VPC = Format("vpc-[0-9a-f]{8,17}", "vpc-0a1b2c3d")
SUBNET = Format("subnet-[0-9a-f]{8,17}", "subnet-0a1b2c3d")
SECURITY_GROUP = Format("sg-[0-9a-f]{8,17}", "sg-0a1b2c3d")
PEER = Format(rf"{SECURITY_GROUP.pattern}|\d{{1,3}}(\.\d{{1,3}}){{3}}/\d{{1,2}}", "sg-0a1b2c3d or 10.0.0.0/16")
PREFIX_LIST = Format("pl-[0-9a-f]{8,17}", "pl-0a1b2c3d")
ROUTE_TABLE = Format("rtb-[0-9a-f]{8,17}", "rtb-0a1b2c3d")
INSTANCE_NAME = Format(r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,38}[a-zA-Z0-9]", "influxdb-loader")
INSTANCE_TYPE = Format(r"db\.influx\.\w+", "db.influx.medium")


def values_set(raw_context: Mapping[str, object], keys: Collection[str]) -> Context:
    """Return the values that are set, as text without surrounding spaces.

    Args:
        raw_context: the whole CDK context.
        keys: the settings that exist.

    Raises:
        SettingsError: the context has another key. CDK would silently ignore a misspelled one.
    """
    for key in raw_context:
        if key not in keys and not key.startswith(CDK_KEYS):
            raise SettingsError(f"{key} is not a setting: {_suggestion(key, keys)}")
    texts = {key: str(value).strip() for key, value in raw_context.items() if key in keys and value is not None}
    return {key: text for key, text in texts.items() if text}


def _suggestion(key: str, keys: Collection[str]) -> str:
    for similar in get_close_matches(key, keys, n=1):
        return f"did you mean {similar}?"
    return "remove it, or see the settings in docs/deploy.md"


def required(context: Context, key: str, format_: Format | None = None) -> str:
    """Return the value of a key that must be set."""
    if key not in context:
        raise SettingsError(f"{key} is not set: add it to loader.toml (see loader.example.toml), or pass -c {key}=...")
    return optional(context, key, format_) if format_ else context[key]


def optional(context: Context, key: str, format_: Format) -> str:
    """Return the value of a key, or "" if it is not set."""
    value = context.get(key, "")
    if value and not re.fullmatch(format_.pattern, value):
        raise SettingsError(f"{key} is {value!r}, which is not valid: use a value such as {format_.example}")
    return value


def comma_separated(context: Context, key: str, format_: Format) -> tuple[str, ...]:
    """Return the values of a key that may hold several, separated by commas; none if it is not set."""
    values = tuple(value.strip() for value in context.get(key, "").split(",") if value.strip())
    return tuple(optional({key: value}, key, format_) for value in values)


def one_of(context: Context, key: str, choices: tuple[str, ...], *, default: str) -> str:
    """Return the value of a key that has a fixed set of values."""
    value = context.get(key, default)
    if value not in choices:
        raise SettingsError(f"{key} is {value!r}: use one of {', '.join(choices)}")
    return value


def server_url(context: Context, key: str) -> str:
    """Return the URL of a server, without a trailing slash.

    A URL that could contain a secret (a user, a query) is an error, since everyone who can see the stack can read it.
    """
    parts = urlsplit(required(context, key))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise SettingsError(
            f"{key} is not the URL of a server: use https://host:port (or http://host:port on a private network), "
            "without a user or a query"
        )
    return parts.geturl().rstrip("/")


def file_path(context: Context, key: str) -> str:
    """Return the path of an existing file, or "" if the key is not set."""
    path = context.get(key, "")
    if path and not Path(path).is_file():
        raise SettingsError(f"{key} is {path!r}, which is not a file: use the path of a file on this machine")
    return path
