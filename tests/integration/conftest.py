"""One local cloud and one deployment for all integration tests."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from local.aws.emulator import Limits
from local.cloud import LocalCloud, local_cloud
from local.influxdb.server import InfluxTarget, LocalInfluxdb, external_target
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.fault_proxy import FaultProxy
from tests.support.influx_api import InfluxApi
from tests.support.sweeps import MODES, check_one_at_a_time, claimed_loads, running, sweeps
from tests.support.trial import PATIENCE_S, ROWS, Trial, writes_through_proxy

IMPATIENT = {
    "backoff_seconds": "1",
    "transient_attempts": "2",
    "throttled_backoff_seconds": "1",
    "throttled_attempts": "2",
    "max_retries": "1",
    "outage_patience": str(PATIENCE_S),
}


LIMITS = Limits(functions=32, processes=48)
"""More functions at once than a machine is good for: impatient loads fail if they are throttled."""


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """AWS emulator and InfluxDB, without the app."""
    with local_cloud(limits=LIMITS) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def app(cloud: LocalCloud) -> DeployedApp:
    """The app deployed to it, quick to give up."""
    return DeployedApp(cloud, cloud.deploy(IMPATIENT))


@pytest.fixture(scope="module")
def proxy(app: DeployedApp) -> Iterator[FaultProxy]:
    """A proxy between WriteBatch and InfluxDB. A module that needs other settings of the functions overrides it."""
    with writes_through_proxy(app) as proxy:
        yield proxy


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The key of a file that no other test uses."""
    return f"dataset=generation/{tmp_path.name}.parquet"


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=MODES)
def with_sweeps(request: pytest.FixtureRequest, app: DeployedApp, key: str) -> Iterator[bool]:
    """Run the test alone, and then while sweeps look for its file, one after the other.

    Modules with faults use it for each of their tests. In the end, no version may have been loaded twice at once.
    """
    with running(sweeps(app, key, lambda: None)) if request.param else nullcontext():
        yield request.param
    check_one_at_a_time(claimed_loads(app, key))


@pytest.fixture
def trial(request: pytest.FixtureRequest, app: DeployedApp, proxy: FaultProxy, tmp_path: Path) -> Trial:
    """A load whose writes go through the proxy, which has no faults yet."""
    proxy.set_faults()
    with_sweeps = "with_sweeps" in request.fixturenames and request.getfixturevalue("with_sweeps")
    table = unique_records(tmp_path, "generation", ROWS)
    return Trial(app=app, proxy=proxy, folder=tmp_path, table=table, with_sweeps=with_sweeps)


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxTarget]:
    """An InfluxDB that no test stops: the one that the environment names, or one of our own."""
    if external := external_target():
        yield external
        return
    with LocalInfluxdb(tmp_path_factory.mktemp("influxdb")) as influxdb:
        yield influxdb.target


@pytest.fixture
def api(influx_server: InfluxTarget) -> Iterator[InfluxApi]:
    api = InfluxApi(influx_server)
    yield api
    api.query(f'DROP MEASUREMENT "{api.series}"')


@pytest.fixture
def api_2(api: InfluxApi) -> InfluxApi:
    """Skip the test if the server is not InfluxDB 2."""
    if not api.version.startswith("v2"):
        pytest.skip(f"InfluxDB 2 answers like this; the server is {api.version or 'another'}")
    return api
