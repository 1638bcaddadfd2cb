"""Buckets of InfluxDB 2 as databases of the engine, each with one retention policy."""

import re
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from local.influxdb.engine_client import EngineClient, EngineError


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket; `retention_s` 0 means that points are kept forever."""

    name: str
    retention_s: int
    shard_group_s: int

    @property
    def id(self) -> str:
        """The identifier, derived from the name."""
        return identifier(self.name)

    def as_json(self, org_id: str) -> dict[str, Any]:
        """Return the bucket in the form of InfluxDB 2's API."""
        rule = {"everySeconds": self.retention_s, "shardGroupDurationSeconds": self.shard_group_s}
        return {
            "id": self.id,
            "orgID": org_id,
            "type": "user",
            "name": self.name,
            "retentionRules": [{"type": "expire", **rule}],
            "labels": [],
        }


def identifier(name: str) -> str:
    """Return 16 hex digits that stand for a name."""
    return sha256(name.encode()).hexdigest()[:16]


def find_bucket(engine: EngineClient, name: str) -> Bucket | None:
    """Return the bucket with this name, or None."""
    with suppress(EngineError):
        ((policy, *_),) = (series["values"] for series in engine.query(f"SHOW RETENTION POLICIES ON {_quote(name)}"))
        return Bucket(name=name, retention_s=_seconds(policy[1]), shard_group_s=_seconds(policy[2]))
    return None


def list_buckets(engine: EngineClient) -> list[Bucket]:
    """Return all buckets."""
    names = [name for (name,) in engine.query("SHOW DATABASES")[0].get("values", [])]
    return [bucket for name in names if (bucket := find_bucket(engine, name))]


def create_bucket(engine: EngineClient, name: str, retention: str) -> None:
    """Create a bucket. `retention` is an InfluxQL duration such as 1h, or INF."""
    engine.query(f'CREATE DATABASE {_quote(name)} WITH DURATION {retention} NAME "autogen"')


def delete_bucket(engine: EngineClient, name: str) -> None:
    """Delete a bucket with all its points."""
    engine.query(f"DROP DATABASE {_quote(name)}")


def _quote(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _seconds(duration: str) -> int:
    """Convert the engine's notation, for example 168h0m0s."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([hms])", duration))
