"""The comparison of the deployed release with this checkout."""

import pytest

from cli.deployed.release import compare_release
from cli.deployed.stack import Deployment
from shared.code_digest import code_digest, datasets_digest
from tests.support.scripted_aws import STACK, ScriptedAws


@pytest.mark.parametrize(
    ("outputs", "release", "warning"),
    [
        ({"CodeDigest": code_digest(), "DatasetsDigest": datasets_digest()}, ("same", "same"), ""),
        ({"CodeDigest": "0", "DatasetsDigest": datasets_digest()}, ("differs", "same"), "the deployed code differs"),
        ({"CodeDigest": "0", "DatasetsDigest": "0"}, ("differs", "differs"), "the deployed datasets differ"),
        ({}, ("not checkable", "not checkable"), "the deployment does not tell which code it runs"),
    ],
)
def test_code_and_datasets_are_compared(
    aws: ScriptedAws, outputs: dict[str, str], release: tuple[str, str], warning: str
) -> None:
    aws.outputs |= outputs
    comparison = compare_release(Deployment(STACK))
    assert comparison == release
    assert comparison.warning.startswith(warning)
    assert bool(comparison.warning) == bool(warning)
