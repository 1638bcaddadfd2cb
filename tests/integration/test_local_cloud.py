"""The local cloud leaves nothing behind, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

import pytest
import requests

from local import ROOT
from local.cloud import local_cloud
from local.demo import NO_VERDICT
from local.influxdb.server import LocalInfluxdb
from local.process import Process, ProcessError
from tests.support.processes import processes_of, wait_until_gone

CLOUD_WITH_BUSY_FUNCTION = """
import time
from local.cloud import local_cloud
from tests.support.emulator_resources import create_function
with local_cloud() as cloud:
    source = "import time\\ndef lambda_handler(event, context): time.sleep(600)"
    function = create_function(cloud, source, timeout_s=600)
    cloud.client("lambda").invoke(FunctionName=function, InvocationType="Event")
    print(cloud.folder, flush=True)
    time.sleep(600)
"""


@contextmanager
def cloud_of_another_process() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Start a local cloud in another process; yield the process and the folder of its cloud while a function runs."""
    command = [sys.executable, "-c", CLOUD_WITH_BUSY_FUNCTION]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        try:
            assert parent.stdout
            folder = Path(parent.stdout.readline().strip())
            while not any("awslambdaric" in command for command in processes_of(folder)):
                time.sleep(0.05)
            yield parent, folder
            rmtree(folder, ignore_errors=True)
        finally:
            parent.kill()


def test_nothing_is_left_after_the_end() -> None:
    with local_cloud() as cloud:
        assert processes_of(cloud.folder)
    assert processes_of(cloud.folder) == []
    assert not cloud.folder.exists()


def test_a_server_that_is_killed_is_reported_with_its_last_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Process(["sh", "-c", "echo ready; kill -KILL $$"], log=tmp_path / "log") as process:
        process.report_unexpected_end("influxd")
        deadline = time.monotonic() + 10
        while not (printed := capsys.readouterr().err) and time.monotonic() < deadline:
            time.sleep(0.02)
    message = "influxd was killed by SIGKILL (probably because memory ran out): start the local cloud again"
    assert printed.splitlines() == [message, "ready"]


def test_a_server_that_is_stopped_is_not_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for stop in (Process.stop, Process.kill):
        process = Process(["sleep", "60"], log=tmp_path / "log")
        process.report_unexpected_end("influxd")
        stop(process)
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


def test_ctrl_c_ends_everything() -> None:
    with cloud_of_another_process() as (parent, folder):
        parent.send_signal(signal.SIGINT)
        parent.wait(10)
        assert processes_of(folder) == []
        assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_a_killed_parent(number: signal.Signals) -> None:
    with cloud_of_another_process() as (parent, folder):
        parent.send_signal(number)
        parent.wait(10)
        assert wait_until_gone(folder, within_s=10)


def test_a_process_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", f"trap '' TERM; touch {tmp_path}/ready; while :; do sleep 1; done"]
    process = Process(command, log=tmp_path / "log")
    process.wait_until((tmp_path / "ready").exists)
    process.stop()
    assert process.returncode == -signal.SIGKILL
    assert processes_of(tmp_path) == []


def test_a_process_that_ends_before_it_is_ready_is_an_error_with_its_log(tmp_path: Path) -> None:
    process = Process(["/bin/sh", "-c", "echo no port left; exit 3"], log=tmp_path / "log")
    with pytest.raises(ProcessError, match=r"(?s)sh did not start.*no port left"):
        process.wait_until(lambda: False)


def test_what_a_process_writes_is_followed_to_its_end(tmp_path: Path) -> None:
    process = Process(["/bin/sh", "-c", "echo one; sleep 0.2; echo two"], log=tmp_path / "log")
    assert list(process.follow()) == ["one\n", "two\n"]


def test_a_process_that_fails_is_an_error_with_its_log(tmp_path: Path) -> None:
    process = Process(["/bin/sh", "-c", "echo wrong context; exit 3"], log=tmp_path / "log")
    with pytest.raises(ProcessError, match=r"(?s)exit status 3.*wrong context"):
        list(process.follow())


@pytest.mark.slow  # deploys a local cloud of its own: half a minute on a quiet machine
def test_a_demo_whose_token_may_not_read_gives_no_verdict(tmp_path: Path) -> None:
    with LocalInfluxdb(tmp_path) as influxdb:
        target = influxdb.target
        reply = requests.post(
            f"{target.url}/api/v2/authorizations",
            headers={"Authorization": f"Token {target.token}"},
            json={"orgID": "", "permissions": [{"action": "write", "resource": {"type": "buckets"}}]},
            timeout=10,
        )
        server = {"INFLUXDB_URL": target.url, "INFLUXDB_ORG": target.org, "INFLUXDB_BUCKET": target.bucket}
        command = [sys.executable, "-m", "local.demo", "--rows", "100"]
        environment = {**os.environ, **server, "INFLUXDB_TOKEN": reply.json()["token"]}
        demo = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "Data loaded successfully" in demo.stdout
    assert demo.returncode == NO_VERDICT == 2
    words = "InfluxDB answered with an error when its points were read: database not found: energy"
    assert words in " ".join(demo.stdout.split())
