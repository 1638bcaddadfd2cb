"""The app, synthesized once per test run as `cdk deploy` would, with cdk-nag looking on."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra_cdk.app import STACK_NAME
from infra_cdk.config import loader_config
from infra_cdk.layers import ROOT
from infra_cdk.stack import LoaderStack

REQUIRED = {"influxdb_url": "https://influx.example:8086", "influxdb_org": "ons", "influxdb_bucket": "power"}
Resource = Mapping[str, Any]


def default_context() -> dict[str, Any]:
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


@dataclass(frozen=True)
class Assembly:
    """What `cdk synth` writes."""

    folder: Path

    @property
    def template_file(self) -> Path:
        return self.folder / f"{STACK_NAME}.template.json"

    @cached_property
    def template(self) -> Mapping[str, Any]:
        template: Mapping[str, Any] = json.loads(self.template_file.read_text())
        return template

    def properties(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Of all resources of a kind, `AWS::<kind>`, by logical id."""
        resources = self.template["Resources"].items()
        return {name: resource["Properties"] for name, resource in resources if resource["Type"] == f"AWS::{kind}"}

    def asset(self, s3_key: str) -> Path:
        """The file or folder that stands behind an `S3Key` of the template."""
        [path] = self.folder.glob(f"asset.{s3_key.removesuffix('.zip')}*")
        return path

    @cached_property
    def functions(self) -> dict[str, Mapping[str, Any]]:
        """Properties of the functions, by the name of their folder."""
        return {f["Handler"].split(".")[1]: f for f in self.properties("Lambda::Function").values()}

    @cached_property
    def definition(self) -> dict[str, Any]:
        """Of the state machine; a function's ARN is replaced by the name of its folder."""
        [machine] = self.properties("StepFunctions::StateMachine").values()
        handlers = {name: f["Handler"].split(".")[1] for name, f in self.properties("Lambda::Function").items()}
        pieces = machine["DefinitionString"]["Fn::Join"][1]
        text = "".join(piece if isinstance(piece, str) else handlers[piece["Fn::GetAtt"][0]] for piece in pieces)
        definition: dict[str, Any] = json.loads(text)
        return definition

    @cached_property
    def findings(self) -> list[Mapping[str, Any]]:
        """Of cdk-nag."""
        report = json.loads((self.folder / "validation-report.json").read_text())
        return [finding for plugin in report["pluginReports"] for finding in plugin["violations"]]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("cdk.out")
    app = App(context=default_context() | REQUIRED, outdir=str(folder))
    LoaderStack(app, STACK_NAME, config=loader_config(default_context() | REQUIRED))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with suppress(RuntimeError):  # findings end the synthesis, but everything is written by then
        app.synth()
    return Assembly(folder)
