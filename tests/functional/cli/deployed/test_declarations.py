"""Commands use their own declarations, or else those of the deployment, and `loader plan` says which."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.code_digest import datasets_digest
from shared.dataset_files import declarations_text
from shared.datasets import DATASETS
from tests.functional.conftest import SOURCE
from tests.support.builders import generation, parquet
from tests.support.command_line import run_loader
from tests.support.own_datasets import declare_datasets
from tests.support.scripted_aws import ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PUMPS = """
[pumps]
measurement = "pump_data"
required_tags = ["region"]
fields = [{ name = "power_mw", unit = "MW" }]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plants.parquet"
    path.write_bytes(parquet(generation(2)))
    return path


def test_without_own_declarations_a_plan_uses_those_of_the_deployment(
    aws: ScriptedAws, s3: "S3Client", file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare_datasets(monkeypatch, tmp_path, PUMPS)
    digest, text = datasets_digest(), declarations_text()
    monkeypatch.setenv("LOADER_DATASETS", str(tmp_path / "none.toml"))
    monkeypatch.delitem(vars(DATASETS), "_datasets")
    command = ("plan", str(file), "--dataset", "pumps", "--json")
    assert "unknown dataset 'pumps'" in run_loader(*command).stderr
    s3.put_object(Bucket=SOURCE, Key="assets/1.toml", Body=text.encode())
    aws.outputs |= {"DatasetsUrl": f"s3://{SOURCE}/assets/1.toml", "DatasetsDigest": digest}
    plan = json.loads(run_loader(*command).stdout)
    assert (plan["dataset_type"], plan["output_points"], plan["deployed_datasets"]) == ("pumps", 2, "same")
    assert plan["declarations"] == f"the deployment (s3://{SOURCE}/assets/1.toml)"


def test_own_declarations_come_before_those_of_the_deployment(
    aws: ScriptedAws, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.outputs |= {"DatasetsUrl": "s3://nowhere/x", "DatasetsDigest": "0"}
    declare_datasets(monkeypatch, tmp_path, PUMPS)
    plan = json.loads(run_loader("plan", str(file), "--dataset", "pumps", "--json").stdout)
    assert plan["declarations"] == str(tmp_path / "datasets.toml")


def test_declarations_of_a_newer_release_are_refused_with_their_address(
    aws: ScriptedAws, s3: "S3Client", file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    declare_datasets(monkeypatch, tmp_path, "")
    monkeypatch.setenv("LOADER_DATASETS", str(tmp_path / "none.toml"))
    s3.put_object(Bucket=SOURCE, Key="new.toml", Body=PUMPS.replace("measurement", "mesure").encode())
    aws.outputs |= {"DatasetsUrl": f"s3://{SOURCE}/new.toml", "DatasetsDigest": "0"}
    result = run_loader("plan", str(file), "--dataset", "pumps")
    assert f"s3://{SOURCE}/new.toml: " in result.stderr
    assert "Use the release of `loader` that is deployed" in result.stderr
