"""The functions: what each is told, what it may do, and how large it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration, IgnoreMode
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.config import LoaderConfig
from infra_cdk.layers import ROOT, build_layer
from infra_cdk.log_groups import log_group
from infra_cdk.network import Network
from shared.function_names import BACKFILL_FUNCTION, FUNCTION_NAMES, LOAD_FUNCTIONS, FunctionName, pascal_case
from state_machine.settings import LoadFunctions

RUNTIMES = {
    "3.11": lambda_.Runtime.PYTHON_3_11,
    "3.12": lambda_.Runtime.PYTHON_3_12,
    "3.13": lambda_.Runtime.PYTHON_3_13,
}
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


@dataclass(frozen=True, kw_only=True)
class Size:
    """A function's memory, which is its share of processors too, and when Lambda kills it."""

    memory_mib: int
    timeout_s: int


SIZES: Mapping[FunctionName, Size] = {
    # Imports and one request to InfluxDB, whose time-out is 10 s: processor time is what it waits for.
    "check_health": Size(memory_mib=512, timeout_s=60),
    # A footer of 32 MiB, the largest accepted, takes about ten times that in memory.
    "validate_schema": Size(memory_mib=1024, timeout_s=120),
    # 1,769 MiB are one whole processor. 2 million rows take seconds; the rest is for a slow S3.
    "convert_and_chunk": Size(memory_mib=1769, timeout_s=600),
    # Holds one compressed chunk and mostly waits for InfluxDB; it comes back by itself before it is killed.
    "write_batch": Size(memory_mib=512, timeout_s=300),
    # Reads up to 840 small outcomes.
    "report_load": Size(memory_mib=512, timeout_s=120),
    # Asks the ledger about 100 files at a time; keeps those that are not loaded.
    "report_backfill": Size(memory_mib=1024, timeout_s=900),
}
PARQUET_READERS: tuple[FunctionName, ...] = ("validate_schema", "convert_and_chunk")
INFLUXDB_CALLERS: tuple[FunctionName, ...] = ("check_health", "write_batch")

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
"""What Lambda asks of the role of a function in a VPC (AWSLambdaVPCAccessExecutionRole without the logs)."""


class Functions(Construct):
    """One function for each task, of one code asset and shared layers."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: LoaderConfig,
        environments: Mapping[FunctionName, Mapping[str, str]],
        permissions: Mapping[FunctionName, Sequence[iam.PolicyStatement]],
        network: Network | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._config = config.functions
        log_days = config.monitoring.log_retention_days
        self._network = network
        reserved = self._config.write_reserved_concurrency
        self._reserved = {"write_batch": reserved} if reserved else {}
        self._code = functions_code()
        self._layers = self._make_layers(config.influx.influxdb_ca_bundle)
        self.log_groups = {name: log_group(self, f"{pascal_case(name)}Log", days=log_days) for name in FUNCTION_NAMES}
        made = {name: self._function(name, environments[name], permissions[name]) for name in FUNCTION_NAMES}
        self.load_functions: LoadFunctions = {name: made[name] for name in LOAD_FUNCTIONS}
        self.report_backfill = made[BACKFILL_FUNCTION]

    def _make_layers(self, ca_bundle: str) -> dict[FunctionName, list[lambda_.LayerVersion]]:
        """By function name."""
        shared = self._layer("Shared", self._packages("shared", package="shared"))
        arrow = self._layer("Arrow", self._packages("arrow"))
        layers = {name: [shared, arrow] if name in PARQUET_READERS else [shared] for name in FUNCTION_NAMES}
        if ca_bundle:
            certificates = self._layer("Certificates", one_file(Path(ca_bundle)))
            layers |= {name: [shared, certificates] for name in INFLUXDB_CALLERS}
        return layers

    def _packages(self, name: str, *, package: str = "") -> lambda_.AssetCode:
        built = build_layer(name, python=self._config.python, architecture=self._config.architecture, package=package)
        return lambda_.Code.from_asset(str(built))

    def _layer(self, name: str, code: lambda_.AssetCode) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            f"{name}Layer",
            code=code,
            compatible_runtimes=[RUNTIMES[self._config.python]],
            compatible_architectures=[ARCHITECTURES[self._config.architecture]],
        )

    def _function(
        self, name: FunctionName, environment: Mapping[str, str], permissions: Sequence[iam.PolicyStatement]
    ) -> lambda_.Function:
        network = self._network if name in INFLUXDB_CALLERS else None
        allowed = [*permissions, *([NETWORK_INTERFACES] if network else [])]
        return lambda_.Function(
            self,
            pascal_case(name),
            handler=f"functions.{name}.handler.lambda_handler",
            code=self._code,
            layers=self._layers[name],
            runtime=RUNTIMES[self._config.python],
            architecture=ARCHITECTURES[self._config.architecture],
            memory_size=SIZES[name].memory_mib,
            timeout=Duration.seconds(SIZES[name].timeout_s),
            reserved_concurrent_executions=self._reserved.get(name),
            environment=environment,
            role=self._role(name, allowed),
            log_group=self.log_groups[name],
            tracing=lambda_.Tracing.ACTIVE,
            vpc=network.vpc if network else None,
            vpc_subnets=network.subnets if network else None,
            security_groups=network.security_groups if network else None,
        )

    def _role(self, name: FunctionName, permissions: Sequence[iam.PolicyStatement]) -> iam.Role:
        """Of its own for each function; CDK's would carry AWS's managed policy, which may write to every log group."""
        role = iam.Role(self, f"{pascal_case(name)}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_groups[name].grant_write(role)
        for statement in permissions:
            role.add_to_policy(statement)
        return role


def functions_code() -> lambda_.AssetCode:
    """`functions/` and the runbook, from which reports quote, where they lie in the repository: names stay."""
    runbook = ["!docs", "docs/*", "!docs/operations.md"]
    return _asset(ROOT, ["*", "!functions", "!functions/**", *runbook, "__pycache__", "*.pyc"])


def one_file(path: Path) -> lambda_.AssetCode:
    """This file, and nothing else of its folder."""
    return _asset(path.parent, ["*", f"!{path.name}"])


def _asset(folder: Path, exclude: list[str]) -> lambda_.AssetCode:
    return lambda_.Code.from_asset(str(folder), ignore_mode=IgnoreMode.GIT, exclude=exclude)
