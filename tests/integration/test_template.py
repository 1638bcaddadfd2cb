"""The template on the emulator is the one that goes to AWS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.settings import STACK_NAME
from tests.infra.conftest import synthesized
from tests.integration.conftest import IMPATIENT
from tests.support.deployed_app import DeployedApp

PLATFORM = {"architecture": "arm64", "python": "3.13"}
OF_THE_PLATFORM = {"Architectures", "Runtime", "CompatibleArchitectures", "CompatibleRuntimes", "S3Key", "Metadata"}
"""`Metadata` tells the asset's folder on this machine."""


def differences(one: Any, other: Any, name: str = "") -> Iterator[str]:
    """Names of the innermost properties that differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key), other.get(key), key)
    elif one != other:
        yield name


@pytest.mark.slow
def test_only_the_platform_of_the_functions_is_another_one(app: DeployedApp, tmp_path: Path) -> None:
    template = app.cloud.client("cloudformation").get_template(StackName=STACK_NAME)["TemplateBody"]
    template = template if isinstance(template, dict) else json.loads(template)
    for_aws = synthesized(tmp_path, app.cloud.context | IMPATIENT | PLATFORM).template
    assert template["Resources"].keys() == for_aws["Resources"].keys()
    assert set(differences(template, for_aws)) == OF_THE_PLATFORM
