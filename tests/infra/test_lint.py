"""What other people's rules say about the template and the definition."""

import json
import subprocess
import sys
from pathlib import Path

from infra_cdk.layers import ROOT
from tests.infra.conftest import Assembly


def test_cfn_lint_finds_nothing(assembly: Assembly) -> None:
    """But W3005: CDK states dependencies that follow from references anyway."""
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(cfn_lint), "--ignore-checks", "W3005", "--template", str(assembly.template_file)]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_the_validator_of_the_states_language_finds_nothing(assembly: Assembly, tmp_path: Path) -> None:
    definition = tmp_path / "definition.json"
    arn = "arn:aws:lambda:us-east-1:123456789012:function:"
    definition.write_text(json.dumps(assembly.definition).replace('"Resource": "', f'"Resource": "{arn}'))
    command = [str(ROOT / "node_modules/.bin/asl-validator"), "--json-path", str(definition)]
    validated = subprocess.run(command, capture_output=True, text=True, check=False)
    assert validated.returncode == 0, validated.stdout + validated.stderr


def test_cdk_nag_finds_nothing_but_iam_wildcards(assembly: Assembly) -> None:
    """Those stand in test_permissions.py, each by its action and resource."""
    rules = {finding["ruleName"].partition("[")[0] for finding in assembly.findings}
    assert rules == {"AwsSolutions-IAM5"}
