"""The five functions: what each is told, what it may do, and how large it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, IgnoreMode
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.config import LoaderConfig
from infra_cdk.layers import ROOT, layer_zip
from infra_cdk.log_groups import log_group
from state_machine.settings import FUNCTION_NAMES, LoadFunctions

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


SIZES: Mapping[str, Size] = {
    # Imports and one request to InfluxDB, whose time-out is 10 s: processor time is what it waits for.
    "check_health": Size(memory_mib=512, timeout_s=60),
    # A footer of 32 MiB, the largest accepted, takes about ten times that in memory.
    "validate_schema": Size(memory_mib=1024, timeout_s=120),
    # 1,769 MiB are one whole processor. 4 million rows take seconds; the rest is for a slow S3.
    "convert_and_chunk": Size(memory_mib=1769, timeout_s=600),
    # Holds one compressed chunk and mostly waits for InfluxDB; it comes back by itself before it is killed.
    "write_batch": Size(memory_mib=512, timeout_s=300),
    # Reads up to 840 small outcomes.
    "report_load": Size(memory_mib=512, timeout_s=120),
}
READ_PARQUET = ("validate_schema", "convert_and_chunk")


class Functions(Construct):
    """One function for each task, of one code asset and two layers; `load_functions` is all of them."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: LoaderConfig,
        environments: Mapping[str, Mapping[str, str]],
        permissions: Mapping[str, Sequence[iam.PolicyStatement]],
    ) -> None:
        super().__init__(scope, construct_id)
        self._config = config
        self._code = functions_code()
        self._shared = self._layer("shared", package="shared")
        self._arrow = self._layer("arrow")
        self.load_functions = LoadFunctions(
            **{name: self._function(name, environments[name], permissions[name]) for name in FUNCTION_NAMES}
        )

    def _layer(self, name: str, *, package: str = "") -> lambda_.LayerVersion:
        zip_file = layer_zip(name, python=self._config.python, architecture=self._config.architecture, package=package)
        return lambda_.LayerVersion(
            self,
            f"{name.capitalize()}Layer",
            code=lambda_.Code.from_asset(str(zip_file)),
            compatible_runtimes=[RUNTIMES[self._config.python]],
            compatible_architectures=[ARCHITECTURES[self._config.architecture]],
        )

    def _function(
        self, name: str, environment: Mapping[str, str], permissions: Sequence[iam.PolicyStatement]
    ) -> lambda_.Function:
        construct_id = name.title().replace("_", "")
        logs_to = log_group(self, f"{construct_id}Log")
        return lambda_.Function(
            self,
            construct_id,
            handler=f"functions.{name}.handler.lambda_handler",
            code=self._code,
            layers=[self._shared, self._arrow] if name in READ_PARQUET else [self._shared],
            runtime=RUNTIMES[self._config.python],
            architecture=ARCHITECTURES[self._config.architecture],
            memory_size=SIZES[name].memory_mib,
            timeout=Duration.seconds(SIZES[name].timeout_s),
            environment=environment,
            role=self._role(f"{construct_id}Role", logs_to, permissions),
            log_group=logs_to,
            tracing=lambda_.Tracing.ACTIVE,
        )

    def _role(self, construct_id: str, logs_to: logs.LogGroup, permissions: Sequence[iam.PolicyStatement]) -> iam.Role:
        """Of its own for each function; CDK's would carry AWS's managed policy, which may write to every log group."""
        role = iam.Role(self, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        logs_to.grant_write(role)
        for statement in permissions:
            role.add_to_policy(statement)
        return role


def functions_code() -> lambda_.AssetCode:
    """`functions/` and nothing else of the repository, so that modules keep the names they have in it."""
    return lambda_.Code.from_asset(
        str(ROOT),
        ignore_mode=IgnoreMode.GIT,
        exclude=["*", "!functions", "!functions/**", "__pycache__", "*.pyc"],
    )
