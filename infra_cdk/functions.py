"""The Lambda functions: their code, layers, roles and log groups. `function_sizes` has their memory and timeouts.

`Functions` creates one function for each name in `FUNCTION_NAMES`. All share one layer, and all but DeletePoints one
code asset. Those in `PARQUET_READERS` also have the layer with Arrow. Only those in `INFLUXDB_CALLERS` run in the VPC,
if one is configured.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import Annotations, Duration, IgnoreMode
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.bytecode import find_compiler
from infra_cdk.config import LoaderConfig, PythonVersion
from infra_cdk.function_sizes import SIZES
from infra_cdk.layers import build_code, build_layer
from infra_cdk.log_groups import create_log_group
from infra_cdk.network import Network
from shared.function_names import (
    BACKFILL_FUNCTIONS,
    DELETION_FUNCTIONS,
    FUNCTION_NAMES,
    LOAD_FUNCTIONS,
    FunctionName,
    pascal_case,
)
from state_machine.settings import BackfillFunctions, LoadFunctions

RUNTIMES = {
    "3.11": lambda_.Runtime.PYTHON_3_11,
    "3.12": lambda_.Runtime.PYTHON_3_12,
    "3.13": lambda_.Runtime.PYTHON_3_13,
}
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


LIVE = "live"
"""The alias of the version that the state machines invoke with SnapStart."""


PARQUET_READERS: tuple[FunctionName, ...] = (
    "validate_schema",
    "convert_and_chunk",
    "register_load",
    "find_stale",
    "delete_points",
)
INFLUXDB_CALLERS: tuple[FunctionName, ...] = ("check_health", "write_batch", "delete_points")

NETWORK_INTERFACES = iam.PolicyStatement(
    actions=[
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ],
    resources=["*"],
)
"""The permissions that Lambda needs to run a function in a VPC (AWSLambdaVPCAccessExecutionRole without the logs)."""


class Functions(Construct):
    """The functions of both state machines.

    `environments` and `permissions` have the variables and policy statements of each function, by its name.
    `load_targets` and `backfill_targets` are what the state machines invoke.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: LoaderConfig,
        environments: Mapping[FunctionName, dict[str, str]],
        permissions: Mapping[FunctionName, Sequence[iam.PolicyStatement]],
        network: Network | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._config = config.functions
        log_days = config.monitoring.log_retention_days
        self._network = network
        reserved = self._config.write_reserved_concurrency
        self._reserved = {"write_batch": reserved} if reserved else {}
        self._code, self._deletion_code = (
            lambda_.Code.from_asset(str(build_code(self._config.python, deletes=deletes))) for deletes in (False, True)
        )
        _warn_without_bytecode(self, self._config.python)
        self._layers = self._create_layers(config.influx.influxdb_ca_bundle)
        self.log_groups = {
            name: create_log_group(self, f"{pascal_case(name)}Log", days=log_days) for name in FUNCTION_NAMES
        }
        functions = {
            name: self._create_function(name, environments[name] | self._links(name), permissions[name])
            for name in FUNCTION_NAMES
        }
        self.load_functions: LoadFunctions = {name: functions[name] for name in LOAD_FUNCTIONS}
        targets = {name: self._create_target(name, function) for name, function in functions.items()}
        self.delete_points = targets["delete_points"]
        self.load_targets: LoadFunctions = {name: targets[name] for name in LOAD_FUNCTIONS}
        self.backfill_targets: BackfillFunctions = {name: targets[name] for name in BACKFILL_FUNCTIONS}

    def _links(self, name: FunctionName) -> dict[str, str]:
        """Return the variables with which the report of a load links to the logs of all functions."""
        groups = (self.log_groups[function].log_group_name for function in LOAD_FUNCTIONS)
        return {"LOG_GROUPS": ",".join(groups)} if name == "report_load" else {}

    def _create_layers(self, ca_bundle: str) -> dict[FunctionName, list[lambda_.LayerVersion]]:
        """Create the layers and return those of each function, by function name."""
        shared = self._create_layer("Shared", self._packages_asset("shared", package="shared"))
        arrow = self._create_layer("Arrow", self._packages_asset("arrow"))
        layers = {name: [shared, arrow] if name in PARQUET_READERS else [shared] for name in FUNCTION_NAMES}
        if ca_bundle:
            certificates = self._create_layer("Certificates", file_asset(Path(ca_bundle)))
            layers |= {name: [shared, certificates] for name in INFLUXDB_CALLERS}
        return layers

    def _packages_asset(self, name: str, *, package: str = "") -> lambda_.AssetCode:
        zip_file = build_layer(
            name, python=self._config.python, architecture=self._config.architecture, package=package
        )
        return lambda_.Code.from_asset(str(zip_file))

    def _create_layer(self, name: str, code: lambda_.AssetCode) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            f"{name}Layer",
            code=code,
            compatible_runtimes=[RUNTIMES[self._config.python]],
            compatible_architectures=[ARCHITECTURES[self._config.architecture]],
        )

    def _create_function(
        self, name: FunctionName, environment: Mapping[str, str], permissions: Sequence[iam.PolicyStatement]
    ) -> lambda_.Function:
        network = self._network if name in INFLUXDB_CALLERS else None
        statements = [*permissions, *([NETWORK_INTERFACES] if network else [])]
        return lambda_.Function(
            self,
            pascal_case(name),
            handler=f"functions.{name}.handler.lambda_handler",
            code=self._deletion_code if name in DELETION_FUNCTIONS else self._code,
            layers=self._layers[name],
            runtime=RUNTIMES[self._config.python],
            architecture=ARCHITECTURES[self._config.architecture],
            memory_size=SIZES[name].memory_mib,
            timeout=Duration.seconds(SIZES[name].timeout_s),
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if self._config.snap_start else None,
            reserved_concurrent_executions=self._reserved.get(name),
            environment=environment,
            role=self._create_role(name, statements),
            log_group=self.log_groups[name],
            tracing=lambda_.Tracing.ACTIVE,
            vpc=network.vpc if network else None,
            vpc_subnets=network.subnets if network else None,
            security_groups=network.security_groups if network else None,
        )

    def _create_target(self, name: FunctionName, function: lambda_.Function) -> lambda_.IFunction:
        """Return what the state machines invoke: with SnapStart, an alias of the version that is published last.

        CloudFormation deletes the version before it, which would be billed otherwise.
        """
        if not self._config.snap_start:
            return function
        return lambda_.Alias(self, f"{pascal_case(name)}Live", alias_name=LIVE, version=function.current_version)

    def _create_role(self, name: FunctionName, permissions: Sequence[iam.PolicyStatement]) -> iam.Role:
        """Create the role of a function. CDK's default one has a managed policy that may write to every log group."""
        role = iam.Role(self, f"{pascal_case(name)}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_groups[name].grant_write(role)
        for statement in permissions:
            role.add_to_policy(statement)
        return role


def _warn_without_bytecode(scope: Construct, python: PythonVersion) -> None:
    if not find_compiler(python):
        message = (
            "The functions are deployed without bytecode, so cold starts take two to three times as long: "
            f"python{python} is not on the PATH. Install it, for example with `uv python install {python}`."
        )
        Annotations.of(scope).add_warning_v2("influxdb-loader:bytecode", message)


def file_asset(path: Path) -> lambda_.AssetCode:
    """Return an asset with this file only."""
    exclude = ["*", f"!{path.name}"]
    return lambda_.Code.from_asset(str(path.parent), ignore_mode=IgnoreMode.GIT, exclude=exclude)
