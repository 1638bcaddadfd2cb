"""Values of the CDK context, from cdk.json or `-c key=value`: refused with the name of their key."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from shared.errors import SettingsError

Context = Mapping[str, str]
"""What is set, as text. A key that is missing or empty is not set."""

CDK_KEYS = ("@aws-cdk/", "aws:cdk:")
"""What CDK itself keeps in the context begins like this."""


@dataclass(frozen=True)
class Shape:
    """How a value has to look: all of it matches `pattern`."""

    pattern: str
    example: str


BUCKET = Shape("[a-z0-9.-]{3,63}", "my-bucket")
KEY_PREFIX = Shape(r"[^*\\]+", r"processed/ (without * and \)")
KMS_KEY = Shape(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/(mrk-)?[0-9a-f-]{32,36}", "arn:aws:kms:<region>:<account>:key/<id>")
EMAIL = Shape(r"[^@\s]+@[^@\s]+", "grid-data@example.com")
VPC = Shape("vpc-[0-9a-f]{8,17}", "vpc-0a1b2c3d")
SUBNET = Shape("subnet-[0-9a-f]{8,17}", "subnet-0a1b2c3d")
SECURITY_GROUP = Shape("sg-[0-9a-f]{8,17}", "sg-0a1b2c3d")
PEER = Shape(rf"{SECURITY_GROUP.pattern}|\d{{1,3}}(\.\d{{1,3}}){{3}}/\d{{1,2}}", "sg-0a1b2c3d or 10.0.0.0/16")
PREFIX_LIST = Shape("pl-[0-9a-f]{8,17}", "pl-0a1b2c3d")
ROUTE_TABLE = Shape("rtb-[0-9a-f]{8,17}", "rtb-0a1b2c3d")
INSTANCE_TYPE = Shape(r"db\.influx\.\w+", "db.influx.medium")


def settings(context: Mapping[str, object], known: Collection[str]) -> Context:
    """What is set of `known`. Raises SettingsError for any other key: a mistyped one would be ignored in silence."""
    for key in context:
        if key not in known and not key.startswith(CDK_KEYS):
            similar = get_close_matches(key, known, n=1)
            raise SettingsError(f"{key} is not a setting" + "".join(f": do you mean {name}?" for name in similar))
    texts = {key: str(value).strip() for key, value in context.items() if key in known and value is not None}
    return {key: text for key, text in texts.items() if text}


def required(given: Context, key: str, shape: Shape | None = None) -> str:
    """What must be set."""
    if key not in given:
        raise SettingsError(f"{key} is not set: write it into cdk.json under context, or pass -c {key}=...")
    return optional(given, key, shape) if shape else given[key]


def optional(given: Context, key: str, shape: Shape) -> str:
    """ "" where it is not set."""
    value = given.get(key, "")
    if value and not re.fullmatch(shape.pattern, value):
        raise SettingsError(f"{key} is {value!r}: give something like {shape.example}")
    return value


def several(given: Context, key: str, shape: Shape) -> tuple[str, ...]:
    """Values between commas; none where it is not set."""
    values = tuple(value.strip() for value in given.get(key, "").split(",") if value.strip())
    return tuple(optional({key: value}, key, shape) for value in values)


def one_of(given: Context, key: str, choices: tuple[str, ...], *, default: str) -> str:
    """One of `choices`."""
    value = given.get(key, default)
    if value not in choices:
        raise SettingsError(f"{key} is {value!r}: give one of {', '.join(choices)}")
    return value


def url(given: Context, key: str) -> str:
    """Of a server, and nothing that could be a secret: templates are readable."""
    parts = urlsplit(required(given, key))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise SettingsError(f"{key} must be https://host:port (http:// on a private network), without user or query")
    return parts.geturl().rstrip("/")


def file(given: Context, key: str) -> str:
    """The path of a file that is there, or ""."""
    path = given.get(key, "")
    if path and not Path(path).is_file():
        raise SettingsError(f"{key} names {path}, which is no file")
    return path
