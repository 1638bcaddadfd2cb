"""The app, synthesized once per test run and variant."""

import json
import os
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra_cdk.app import add_stacks
from infra_cdk.archives import ROOT
from infra_cdk.config import app_config
from shared.settings import STACK_NAME
from state_machine.definition import FUNCTION_ARN_PREFIX, LEDGER, LOADER_ARN, WORK

REQUIRED = {"influxdb_url": "https://influx.example:8086", "influxdb_org": "ons", "influxdb_bucket": "power"}
Resource = Mapping[str, Any]


def default_context() -> dict[str, Any]:
    """Return the context of cdk.json, and the defaults that the comments of loader.example.toml show."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    example = (ROOT / "loader.example.toml").read_text()
    return context | tomllib.loads("\n".join(re.findall(r"^# (\w+ = .*)$", example, re.MULTILINE)))


@dataclass(frozen=True)
class Assembly:
    """The cloud assembly that `cdk synth` writes."""

    folder: Path

    @property
    def templates(self) -> list[Path]:
        """The paths of the templates of all stacks."""
        return sorted(self.folder.glob("*.template.json"))

    def stack(self, name: str) -> Mapping[str, Any]:
        """Return the template of a stack."""
        template: Mapping[str, Any] = json.loads((self.folder / f"{name}.template.json").read_text())
        return template

    @cached_property
    def template(self) -> Mapping[str, Any]:
        """The template of the loader's stack."""
        return self.stack(STACK_NAME)

    def properties(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Return the properties of all resources of the type `AWS::<kind>`, by logical id."""
        resources = self.template["Resources"].items()
        return {name: resource["Properties"] for name, resource in resources if resource["Type"] == f"AWS::{kind}"}

    def asset(self, s3_key: str) -> Path:
        """Return the file or folder that is uploaded under an `S3Key` of the template."""
        [path] = self.folder.glob(f"asset.{s3_key.removesuffix('.zip')}*")
        return path

    @cached_property
    def functions(self) -> dict[str, Mapping[str, Any]]:
        """The properties of the functions, by function name."""
        return {f["Handler"].split(".")[1]: f for f in self.properties("Lambda::Function").values()}

    def machine(self, name: str) -> Mapping[str, Any]:
        """Return the properties of the state machine in a construct."""
        return self.properties("StepFunctions::StateMachine")[self.machine_id(name)]

    def machine_id(self, name: str) -> str:
        """Return the logical id of the state machine in a construct."""
        machines = self.properties("StepFunctions::StateMachine")
        [only] = (logical_id for logical_id in machines if logical_id.startswith(f"{name}StateMachine"))
        return only

    @cached_property
    def definition(self) -> dict[str, Any]:
        """The definition of the loader's state machine."""
        return self.definition_of("Loader")

    def definition_of(self, machine: str) -> dict[str, Any]:
        """Return a definition that refers to resources by the same names as `state_machine.definition`."""
        definition: dict[str, Any] = json.loads("".join(map(self._reference_name, _pieces(self.machine(machine)))))
        return definition

    def _reference_name(self, piece: Any) -> str:
        match piece:
            case {"Ref": str(alias)} if alias in self.properties("Lambda::Alias"):
                function_id = self.properties("Lambda::Alias")[alias]["FunctionName"]["Ref"]
                return self._reference_name({"Fn::GetAtt": [function_id, "Arn"]})
            case {"Fn::GetAtt": [function, "Arn"]}:
                handler: str = self.properties("Lambda::Function")[function]["Handler"]
                return FUNCTION_ARN_PREFIX + handler.split(".")[1]
            case {"Ref": "AWS::Partition"}:
                return "aws"
            case {"Ref": str(logical_id)}:
                [name] = (name for start, name in REFERENCES.items() if logical_id.startswith(start))
                return name
        return str(piece)

    @cached_property
    def findings(self) -> list[Mapping[str, Any]]:
        """The findings of cdk-nag, which writes no report if there are none."""
        file = self.folder / "validation-report.json"
        report = json.loads(file.read_text()) if file.exists() else {"pluginReports": []}
        return [finding for plugin in report["pluginReports"] for finding in plugin["violations"]]


REFERENCES = {"LedgerTable": LEDGER, "LoaderStateMachine": LOADER_ARN, "StorageWork": WORK}
"""Prefixes of logical ids, and the names that `state_machine.definition` uses for these resources."""


def _pieces(machine: Mapping[str, Any]) -> list[Any]:
    pieces: list[Any] = machine["DefinitionString"]["Fn::Join"][1]
    return pieces


VPC = {
    "vpc_id": "vpc-0a1b2c3d",
    "subnet_ids": "subnet-0a1b2c3d, subnet-1a1b2c3d",
    "database_peer": "10.0.0.0/16",
    "s3_prefix_list_id": "pl-0a1b2c3d",
}
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/{}a1b2c3d-1111-2222-3333-444455556666"
VARIANTS: dict[str, dict[str, str]] = {
    "as_it_comes": {},
    "all_new": VPC
    | {
        "architecture": "x86_64",
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "kms_key_arn": KEY_ARN.format(0),
        "s3_route_table_ids": "rtb-0a1b2c3d",
        "alarm_email": "grid-data@example.com",
        "write_reserved_concurrency": "8",
        "noncurrent_version_days": "90",
        "report_days": "365",
        "deletion_days": "30",
        "influxdb_ca_bundle": str(ROOT / "LICENSE"),
        "database_instance_type": "db.influx.medium",
        "database_multi_az": "true",
        "file_suffixes": ".parquet,.pq",
    },
    "all_existing": VPC
    | {
        "database_peer": "sg-0a1b2c3d",
        "client_security_group_id": "sg-1a1b2c3d",
        "secrets_endpoint_security_group_id": "sg-2a1b2c3d",
        "secrets_endpoint_url": "https://vpce-0a1b2c3d.secretsmanager.us-east-1.vpce.amazonaws.com",
        "source_bucket_name": "lake",
        "source_prefix": "processed/",
        "token_secret_name": "influxdb/token",
        "decrypt_key_arns": f"{KEY_ARN.format(1)}, {KEY_ARN.format(2)}",
        "alarm_hours_without_load": "0",
        "snap_start": "true",
    },
    "x86_64": {"architecture": "x86_64"},
    "x86_64_in_a_vpc": VPC | {"architecture": "x86_64", "secrets_endpoint_subnet_ids": VPC["subnet_ids"]},
    "with_a_database": VPC | {"database_instance_type": "db.influx.medium", "file_suffixes": "*", "sweep_minutes": "0"},
}
"""Settings that override the defaults. Any file can be the certificate bundle here."""


def synthesized(folder: Path, settings: dict[str, str]) -> Assembly:
    """Synthesize the app as `cdk synth` does, and run cdk-nag."""
    context = default_context() | REQUIRED | settings
    app = App(context=context, outdir=str(folder))
    add_stacks(app, app_config(context))
    return checked(app, folder)


def checked(app: App, folder: Path) -> Assembly:
    """Synthesize an app into the folder, and run cdk-nag."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with suppress(RuntimeError):  # findings end the synthesis, but everything is written by then
        app.synth()
    return Assembly(folder)


@pytest.fixture(scope="session")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Assembly]:
    """Return the app in one of the variants, each synthesized once."""
    return cache(lambda name: synthesized(tmp_path_factory.mktemp(name), VARIANTS[name]))


@pytest.fixture(scope="session")
def assembly(variants: Callable[[str], Assembly]) -> Assembly:
    """Return the app with the default settings."""
    return variants("as_it_comes")
