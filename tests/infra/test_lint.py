"""Linters for templates and definitions (cfn-lint, asl-validator, cdk-nag), in every variant of the configuration."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_sns as sns

from infra_cdk.archives import ROOT
from tests.infra.conftest import VARIANTS, Assembly, checked

QUICK = ("as_it_comes", "all_new", "all_existing")
SLOW = tuple(sorted(VARIANTS.keys() - QUICK))


@pytest.fixture(params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS])
def variant(variants: Callable[[str], Assembly], request: pytest.FixtureRequest) -> Assembly:
    return variants(request.param)


@pytest.mark.parametrize("names", [QUICK, pytest.param(SLOW, marks=pytest.mark.slow)], ids=["quick", "slow"])
def test_cfn_lint_finds_nothing(variants: Callable[[str], Assembly], names: tuple[str, ...]) -> None:
    linted = lint(*(template for name in names for template in variants(name).templates))
    assert linted.returncode == 0, linted.stdout


def test_cfn_lint_notices_a_property_that_does_not_exist(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"NoSuchProperty": 1}}
    template.write_text(json.dumps({"Resources": {"Topic": topic}}))
    assert "NoSuchProperty" in lint(template).stdout


def lint(*templates: Path) -> "subprocess.CompletedProcess[str]":
    """Run cfn-lint without W3005: CDK adds explicit dependencies although references imply them."""
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(cfn_lint), "--ignore-checks", "W3005", "--template", *map(str, templates)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("machine", ["Loader", "Backfill"])
def test_the_validator_of_the_states_language_finds_nothing(variant: Assembly, machine: str, tmp_path: Path) -> None:
    validated = validate(variant.definition_of(machine), tmp_path)
    assert validated.returncode == 0, validated.stdout + validated.stderr


def test_the_validator_of_the_states_language_notices_a_state_that_is_missing(tmp_path: Path) -> None:
    validated = validate({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}, tmp_path)
    assert validated.returncode == 1
    assert "B" in validated.stdout + validated.stderr


def validate(definition: Mapping[str, Any], folder: Path) -> "subprocess.CompletedProcess[str]":
    file = folder / "definition.json"
    file.write_text(json.dumps(definition))
    command = [str(ROOT / "node_modules/.bin/asl-validator"), "--json-path", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_cdk_nag_finds_nothing_but_what_is_acknowledged_with_a_reason(variant: Assembly) -> None:
    assert [finding["ruleName"] for finding in variant.findings] == []


def test_cdk_nag_notices_a_topic_without_tls(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    sns.Topic(Stack(app, "Stack"), "Topic")
    assert "AwsSolutions-SNS3" in {finding["ruleName"] for finding in checked(app, tmp_path).findings}
