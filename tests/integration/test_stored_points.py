"""Queries for points on a real engine: missing ones, and those of a retention policy that is not the default one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
import requests

from cli.errors import QueryError
from cli.sent_points import SeriesTable, parse_lines
from cli.stored_points import StoredPoints
from local.influxdb.engine import Engine
from local.influxdb.server import LocalInfluxdb
from shared.datasets import DATASETS
from shared.influx import Influx
from shared.settings import InfluxSettings

LINES = ["generation_data,region=N power_mw=1.5 1700000000000000000", "generation_data,region=S power_mw=2 1700000001"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """An engine whose database grid has the points in its policy raw only."""
    engine = Engine(tmp_path)
    engine.start()
    engine.create_bucket("grid")
    address = f"http://127.0.0.1:{engine.port}"
    policy = 'CREATE RETENTION POLICY "raw" ON "grid" DURATION INF REPLICATION 1'
    assert "error" not in requests.post(f"{address}/query", params={"q": policy}, timeout=10).text
    where = {"db": "grid", "rp": "raw"}
    requests.post(f"{address}/write", params=where, data="\n".join(LINES), timeout=10).raise_for_status()
    yield address
    engine.stop()


def stored(url: str, bucket: str, token: str, lines: Sequence[str] = LINES[::-1]) -> list[float]:
    settings = InfluxSettings(url=url, org="o", bucket=bucket, token=token, token_secret_name="", ca_bundle="")
    dataset, table = DATASETS["generation"], SeriesTable()
    sent = parse_lines(pa.array(lines), dataset.field_names, table)
    points = StoredPoints(Influx(settings), bucket, dataset, table)
    return [float(value) for block in points.of(sent) for value in block.stored[:, 0] if value == value]  # noqa: PLR0124


def test_one_point_of_many_is_missing(url: str) -> None:
    """The engine calls a JSON reply of more than 10,000 rows partial, although it is complete."""
    lines = [f"generation_data,region=N power_mw={time} {time}" for time in range(30_000)]
    where = {"db": "grid", "rp": "raw"}
    written = "\n".join(lines[:20_000] + lines[20_001:])
    requests.post(f"{url}/write", params=where, data=written, timeout=30).raise_for_status()
    values = stored(url, "grid/raw", "t", lines)
    assert values == [*range(20_000), *range(20_001, 30_000)]


def test_a_bucket_names_a_database_and_a_policy(url: str) -> None:
    assert stored(url, "grid/raw", "t") == [2.0, 1.5]
    assert stored(url, "grid", "t") == []


def test_a_database_or_a_policy_that_does_not_exist_is_an_error(url: str) -> None:
    for bucket, words in (("other", "database not found: other"), ("grid/other", "retention policy not found: other")):
        with pytest.raises(QueryError, match=words):
            stored(url, bucket, "t")


def test_a_bucket_of_influxdb_2_is_a_database_and_a_policy(tmp_path: Path) -> None:
    with LocalInfluxdb(tmp_path) as influxdb:
        target = influxdb.target
        for bucket, lines in (("grid", LINES[:1]), ("grid/raw", LINES)):
            influxdb.engine.create_bucket(bucket)
            requests.post(
                f"{target.url}/api/v2/write",
                params={"org": target.org, "bucket": bucket},
                headers={"Authorization": f"Token {target.token}"},
                data="\n".join(lines),
                timeout=10,
            ).raise_for_status()
        assert stored(target.url, "grid/raw", target.token) == [2.0, 1.5]
        assert stored(target.url, "grid", target.token) == [1.5]
        for bucket, words in (("other", "database not found: other"), ("grid/other", "policy not found: other")):
            with pytest.raises(QueryError, match=words):
                stored(target.url, bucket, target.token)
