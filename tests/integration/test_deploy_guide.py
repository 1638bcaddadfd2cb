"""The commands of the README and the deployment guide, run word for word against the emulator."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import ROOT
from local.cloud import LocalCloud, local_cloud

pytestmark = pytest.mark.slow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without a loader.toml, whose files are those of this one."""
    for path in ROOT.iterdir():
        if path.name not in ("loader.toml", ".git"):
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture
def empty_cloud() -> Iterator[LocalCloud]:
    """An account in which nothing is deployed."""
    with local_cloud() as cloud:
        yield cloud


def commands(page: str, heading: str) -> str:
    """Return the shell commands below a heading."""
    section = (ROOT / page).read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL))


def test_the_readme_deploys_an_empty_account(checkout: Path, empty_cloud: LocalCloud) -> None:
    """All but the placeholders for the token and a file; `--require-approval` answers for the operator."""
    lines = [line for line in commands("README.md", "Deploy it").splitlines() if "<" not in line]
    assert [line.split()[0].rpartition("/")[2] for line in lines] == ["cp", "cdk", "cdk"]
    assert run(checkout, empty_cloud, "\n".join(lines)) == ["SourceBucketName"]


def test_the_guide_deploys_an_empty_account(checkout: Path, empty_cloud: LocalCloud) -> None:
    script = commands("docs/deploy.md", "2. Configure InfluxDB") + commands("docs/deploy.md", "3. Deploy")
    assert run(checkout, empty_cloud, script) == ["SourceBucketName"]


@pytest.mark.skipif(shutil.which("aws") is None, reason="the guide's commands need the AWS CLI")
def test_the_guide_leads_from_an_empty_account_to_a_loaded_file(
    checkout: Path, empty_cloud: LocalCloud, tmp_path: Path
) -> None:
    """Only the settings are those of this machine, and the sample goes into a folder of the test."""
    settings = "".join(f"{key} = {json.dumps(value)}\n" for key, value in empty_cloud.context.items())
    chapters = ("2. Configure InfluxDB", "3. Deploy", "4. Store the token", "5. Load a file")
    configure, *others = (commands("docs/deploy.md", chapter) for chapter in chapters)
    script = "\n".join([configure, f"cat > loader.toml <<'END'\n{settings}END", *others])
    adapted = script.replace("/tmp", str(tmp_path))  # noqa: S108 - the path in the guide
    run(checkout, empty_cloud, adapted, answers=f"{empty_cloud.influx.token}\n")
    sfn = empty_cloud.client("stepfunctions")
    [machine] = (m for m in sfn.list_state_machines()["stateMachines"] if "LoaderStateMachine" in m["name"])
    [execution] = sfn.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    ended = wait_for_end(sfn, execution["executionArn"])
    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"])["data"]["conversion_stats"]["input_rows"] == 100_000


def wait_for_end(sfn: Any, arn: str) -> Any:
    deadline = time.monotonic() + 180
    while (execution := sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < deadline, execution
        time.sleep(0.5)
    return execution


def run(checkout: Path, cloud: LocalCloud, script: str, *, answers: str = "") -> list[str]:
    """Run a script as an operator does, who types `answers`, and return the outputs of the stack that it deployed."""
    private = {"HOME": str(cloud.folder), "CDK_HOME": str(cloud.folder), "CDK_VALIDATION": "false", "CI": "true"}
    environment = {**os.environ, **cloud.environment, "AWS_REGION": "us-east-1", **private}
    deploy = script.replace("cdk deploy", "cdk deploy --require-approval never")
    ran = subprocess.run(
        ["bash", "-euc", deploy],
        cwd=checkout,
        env=environment,
        input=answers,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    [stack] = cloud.client("cloudformation").describe_stacks(StackName="InfluxdbLoader")["Stacks"]
    return [output["OutputKey"] for output in stack["Outputs"] if output["OutputKey"] == "SourceBucketName"]
