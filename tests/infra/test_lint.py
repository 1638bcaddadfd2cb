"""Linters for templates and definitions (cfn-lint, asl-validator, cdk-nag), in every variant of the configuration."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra_cdk.archives import ROOT
from tests.infra.conftest import VARIANTS, Assembly

QUICK = ("as_it_comes", "all_new", "all_existing")


@pytest.fixture(params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS])
def variant(variants: Callable[[str], Assembly], request: pytest.FixtureRequest) -> Assembly:
    return variants(request.param)


def test_cfn_lint_finds_nothing(variant: Assembly) -> None:
    """W3005 is ignored: CDK adds explicit dependencies although references imply them."""
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(cfn_lint), "--ignore-checks", "W3005", "--template", *map(str, variant.templates)]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_the_validator_of_the_states_language_finds_nothing(variant: Assembly, tmp_path: Path) -> None:
    definition = tmp_path / "definition.json"
    definition.write_text(json.dumps(variant.definition))
    command = [str(ROOT / "node_modules/.bin/asl-validator"), "--json-path", str(definition)]
    validated = subprocess.run(command, capture_output=True, text=True, check=False)
    assert validated.returncode == 0, validated.stdout + validated.stderr


def test_cdk_nag_finds_nothing_but_what_is_acknowledged_with_a_reason(variant: Assembly) -> None:
    assert [finding["ruleName"] for finding in variant.findings] == []
