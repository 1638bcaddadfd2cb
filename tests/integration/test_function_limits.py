"""The local cloud bounds how many functions run at once, and how many processes they have."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.aws.emulator import Emulator, Limits
from local.cloud import LocalCloud
from local.influxdb.server import InfluxTarget
from tests.support.emulator_resources import ENVIRONMENT, create_function, create_machine, invoke, run, set_environment
from tests.support.processes import processes_of

FUNCTIONS, PROCESSES = 2, 4
SLOW = """
import time
def lambda_handler(event, context): time.sleep(event)
"""
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def lambda_handler(event, context): pass
"""


@pytest.fixture(scope="module")
def small_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """An emulator with room for a few processes, without InfluxDB."""
    folder, nowhere = tmp_path_factory.mktemp("cloud"), InfluxTarget(url="", org="", bucket="", token="")
    with Emulator(folder, Limits(FUNCTIONS, PROCESSES)) as emulator:
        yield LocalCloud(folder=folder, emulator=emulator, influx=nowhere, influxdb=None)


def test_calls_beyond_those_that_may_run_at_once_are_throttled_as_by_lambda(small_cloud: LocalCloud) -> None:
    functions = [create_function(small_cloud, SLOW) for _ in range(FUNCTIONS + 1)]
    with ThreadPoolExecutor(len(functions)) as callers:
        calls = [callers.submit(invoke, small_cloud, function, 3) for function in functions]
    errors = [error for call in calls if (error := call.exception())]
    (throttled,) = errors
    assert isinstance(throttled, ClientError)
    assert throttled.response["Error"]["Code"] == "TooManyRequestsException"
    assert invoke(small_cloud, functions[0], 0) is None
    usage = small_cloud.emulator.usage()
    assert (usage.functions, usage.invocations) == (FUNCTIONS, FUNCTIONS + 1)
    assert usage.throttled > 0


def test_an_idle_process_ends_before_there_are_too_many(small_cloud: LocalCloud, tmp_path: Path) -> None:
    for _ in range(PROCESSES + 2):
        assert invoke(small_cloud, create_function(small_cloud, SLOW), 0) is None
    functions = [command for command in processes_of(small_cloud.folder) if "awslambdaric" in command]
    assert len(functions) == PROCESSES
    assert small_cloud.emulator.usage().processes == PROCESSES


def test_a_process_has_the_environment_of_its_call_if_that_changes_before_it_starts(small_cloud: LocalCloud) -> None:
    function = create_function(small_cloud, ENVIRONMENT)
    arn = small_cloud.client("lambda").get_function_configuration(FunctionName=function)["FunctionArn"]
    for _ in range(PROCESSES):
        invoke(small_cloud, create_function(small_cloud, STUBBORN))
    set_environment(small_cloud, function, COLOR="green")
    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(run, small_cloud, create_machine(small_cloud, Resource=arn))
        time.sleep(0.3)  # the process waits until a stubborn one has ended
        set_environment(small_cloud, function, COLOR="red")
        assert json.loads(call.result()["output"])["COLOR"] == "green"
    assert invoke(small_cloud, function)["COLOR"] == "red"
    set_environment(small_cloud, function, COLOR="green")
    assert invoke(small_cloud, function)["COLOR"] == "green"
