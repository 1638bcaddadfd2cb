"""A real engine behind a proxy, and the deletion of points in it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from local.influxdb.server import LocalInfluxdb
from tests.support.deletion_trial import Trial
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.influx_api import InfluxApi

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalInfluxdb]:
    with LocalInfluxdb(tmp_path_factory.mktemp("influxdb")) as influxdb:
        yield influxdb


@pytest.fixture
def api(engine: LocalInfluxdb) -> Iterator[InfluxApi]:
    """The engine without points of earlier tests."""
    api = InfluxApi(engine.target)
    yield api
    api.query(f'DROP MEASUREMENT "{api.series}"')


@pytest.fixture
def proxy(engine: LocalInfluxdb, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy through which the function reaches the engine."""
    target = engine.target
    with fault_proxy(target.url, is_target=lambda _: True) as proxy:
        values = {"URL": proxy.url, "ORG": target.org, "BUCKET": target.bucket, "TOKEN": target.token}
        for name, value in values.items():
            monkeypatch.setenv(f"INFLUXDB_{name}", value)
        yield proxy


@pytest.fixture
def trial(api: InfluxApi, proxy: FaultProxy, s3: "S3Client", ledger: "Table") -> Trial:
    return Trial(api, s3, ledger)
