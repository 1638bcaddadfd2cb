"""Buckets of InfluxDB 2 as databases of the engine.

A bucket that is created anew gets another id, as in 2.7. The engine knows no ids, so each database has a second
retention policy, which holds no points and whose name contains the id: it is deleted with the database.
"""

import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from local.influxdb.engine_client import EngineClient, EngineError, quote

_ID_PREFIX = "id_"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket; `retention_s` 0 means that points are kept forever."""

    id: str
    name: str
    retention_s: int
    shard_group_s: int

    @property
    def database(self) -> str:
        """The name of the engine's database, which cannot contain a slash."""
        return database_of(self.name)

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


def database_of(bucket: str) -> str:
    """Return the database of a bucket.

    >>> database_of("grid/raw")
    'grid%2Fraw'
    """
    return bucket.replace("%", "%25").replace("/", "%2F")


def identifier(name: str) -> str:
    """Return 16 hex digits that stand for a name."""
    return sha256(name.encode()).hexdigest()[:16]


def find_bucket(engine: EngineClient, name: str) -> Bucket | None:
    """Return the bucket with this name, or None."""
    with suppress(EngineError):
        (series,) = engine.query(f"SHOW RETENTION POLICIES ON {quote(database_of(name))}")
        policies = {policy: durations for policy, *durations in series["values"]}
        retention, shard_group, *_ = policies["autogen"]
        ids = (policy.removeprefix(_ID_PREFIX) for policy in policies if policy.startswith(_ID_PREFIX))
        # A database that was created through InfluxQL has no id of its own.
        bucket_id = next(ids, identifier(name))
        return Bucket(id=bucket_id, name=name, retention_s=_seconds(retention), shard_group_s=_seconds(shard_group))
    return None


def list_buckets(engine: EngineClient) -> list[Bucket]:
    """Return all buckets."""
    names = [unquote(database) for (database,) in engine.query("SHOW DATABASES")[0].get("values", [])]
    return [bucket for name in names if (bucket := find_bucket(engine, name))]


def create_bucket(engine: EngineClient, name: str, retention: str) -> None:
    """Create a bucket. `retention` is an InfluxQL duration such as 1h, or INF."""
    engine.query(f'CREATE DATABASE {quote(database_of(name))} WITH DURATION {retention} NAME "autogen"')
    policy = f"{_ID_PREFIX}{secrets.token_hex(8)}"
    engine.query(f"CREATE RETENTION POLICY {quote(policy)} ON {quote(database_of(name))} DURATION INF REPLICATION 1")


def delete_bucket(engine: EngineClient, name: str) -> None:
    """Delete a bucket with all its points."""
    engine.query(f"DROP DATABASE {quote(database_of(name))}")


def _seconds(duration: str) -> int:
    """Convert the engine's notation, for example 168h0m0s."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([hms])", duration))
