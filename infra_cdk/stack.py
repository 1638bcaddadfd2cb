"""The loader's stack, which composes the constructs and adds the outputs."""

from dataclasses import asdict
from os.path import commonprefix

from aws_cdk import Annotations, CfnOutput, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra_cdk.alarms import Alarms
from infra_cdk.config import LoaderConfig
from infra_cdk.dashboard import Dashboard
from infra_cdk.declarations import create_declarations
from infra_cdk.environment import environments
from infra_cdk.findings import acknowledge_findings
from infra_cdk.functions import Functions
from infra_cdk.ledger import Ledger
from infra_cdk.log_groups import create_state_machine_log_group
from infra_cdk.metrics import WatchedMetrics
from infra_cdk.network import Network
from infra_cdk.permissions import Permissions
from infra_cdk.secret import TokenSecret
from infra_cdk.storage import Storage
from infra_cdk.sweep import Sweep
from infra_cdk.trigger import Trigger
from shared.code_digest import code_digest, datasets_digest
from shared.dataset_keys import source_prefixes
from shared.function_names import LoadFunctionName, pascal_case
from state_machine.backfill import BackfillStateMachine
from state_machine.loader import LoaderStateMachine
from state_machine.settings import LoadFunctions, MachineSettings


class LoaderStack(Stack):
    """All resources of one deployment: S3 object → rule → state machine → functions → InfluxDB."""

    def __init__(self, scope: Construct, construct_id: str, *, config: LoaderConfig) -> None:
        super().__init__(scope, construct_id, description="Loads Parquet files from S3 into InfluxDB")
        self._config = config
        key = self._encryption_key()
        self._storage = Storage(self, "Storage", config=config.storage, key=key)
        self._ledger = Ledger(self, "Ledger", key=key).table
        self._token = TokenSecret(self, "Token", existing_name=config.influx.token_secret_name, key=key).secret
        self._permissions = Permissions(
            config.storage,
            source=self._storage.source,
            work=self._storage.work,
            ledger=self._ledger,
            token=self._token,
        )
        functions = self._create_functions()
        self._state_machine = self._create_loader(functions.load_targets)
        self._backfill = self._create_backfill(functions)
        self._create_sweep()
        self._trigger = self._create_trigger()
        self._alarms = self._monitor(functions, self._trigger)
        acknowledge_findings(self)
        self._add_outputs()
        self._add_function_outputs(functions.load_functions)
        CfnOutput(self, "DeletePointsName", value=functions.delete_points.function_name)

    def _encryption_key(self) -> kms.IKey | None:
        arn = self._config.storage.kms_key_arn
        return kms.Key.from_key_arn(self, "Key", arn) if arn else None

    def _create_functions(self) -> Functions:
        config, work, token = self._config, self._storage.work, self._token
        url, vpc = config.influx.influxdb_url, config.network
        _warn_about_python_3_11(self, config)
        network = Network(self, "Network", config=vpc, influxdb_url=url) if vpc else None
        if network:
            _add_network_outputs(self, network)
        return Functions(
            self,
            "Functions",
            config=config,
            environments=environments(
                config,
                work_bucket=work.bucket_name,
                ledger_table=self._ledger.table_name,
                token_secret_name=token.secret_name,
                secrets_endpoint_url=network.secrets_endpoint_url if network else "",
                stack_name=self.stack_name,
            ),
            permissions=self._permissions.by_function(),
            network=network,
        )

    def _create_loader(self, functions: LoadFunctions) -> sfn.StateMachine:
        machine = LoaderStateMachine(
            self,
            "Loader",
            functions=functions,
            ledger=self._ledger,
            settings=MachineSettings(**asdict(self._config.machine)),
            log_group=create_state_machine_log_group(self, "Loader", days=self._config.monitoring.log_retention_days),
        ).state_machine
        for statement in self._permissions.loader():
            machine.add_to_role_policy(statement)
        # A policy of its own: the state machine depends on the function, so the function's own policy cannot name it.
        policy = iam.Policy(self, "DescribeLoads", statements=[self._permissions.describe_loads(machine)])
        if role := functions["register_load"].role:
            policy.attach_to_role(role)
        return machine

    def _create_backfill(self, functions: Functions) -> sfn.StateMachine:
        machine = BackfillStateMachine(
            self,
            "Backfill",
            load=self._state_machine,
            check_health=functions.load_targets["check_health"],
            find_stale=functions.load_targets["find_stale"],
            functions=functions.backfill_targets,
            work=self._storage.work,
            settings=MachineSettings(**asdict(self._config.machine)),
            log_group=create_state_machine_log_group(self, "Backfill", days=self._config.monitoring.log_retention_days),
        ).state_machine
        for statement in self._permissions.backfill(self._state_machine):
            machine.add_to_role_policy(statement)
        return machine

    def _create_sweep(self) -> None:
        if minutes := self._config.sweep.sweep_minutes:
            source, prefixes = self._storage.source, source_prefixes(self._config.storage.source_prefix)
            prefix = commonprefix(prefixes)  # noqa: RUF071 - the prefixes of keys may end inside a name
            Sweep(self, "Sweep", minutes=minutes, backfill=self._backfill, source=source, prefix=prefix)

    def _create_trigger(self) -> Trigger:
        source, config = self._storage.source, self._config.storage
        return Trigger(self, "Trigger", bucket=source, config=config, state_machine=self._state_machine)

    def _monitor(self, functions: Functions, trigger: Trigger) -> Alarms:
        metrics = WatchedMetrics(
            stack=self.stack_name,
            state_machine=self._state_machine,
            functions=functions.load_functions,
            dead_letters=trigger.dead_letters,
        )
        Dashboard(self, "Overview", metrics=metrics, log_groups=list(functions.log_groups.values()))
        minutes = self._config.sweep.sweep_minutes
        return Alarms(self, "Alarms", config=self._config.monitoring, sweep_minutes=minutes, metrics=metrics)

    def _add_outputs(self) -> None:
        CfnOutput(self, "SourceBucketName", value=self._storage.source.bucket_name)
        CfnOutput(self, "WorkBucketName", value=self._storage.work.bucket_name)
        CfnOutput(self, "LedgerTableName", value=self._ledger.table_name)
        CfnOutput(self, "StateMachineArn", value=self._state_machine.state_machine_arn)
        CfnOutput(self, "BackfillArn", value=self._backfill.state_machine_arn)
        CfnOutput(self, "SweepMinutes", value=str(self._config.sweep.sweep_minutes))
        CfnOutput(self, "TokenSecretName", value=self._token.secret_name)
        CfnOutput(self, "TriggerRuleName", value=self._trigger.rule.rule_name)
        CfnOutput(self, "DeadLetterQueueUrl", value=self._trigger.dead_letters.queue_url)
        CfnOutput(self, "AlarmTopicArn", value=self._alarms.topic.topic_arn)
        CfnOutput(self, "CodeDigest", value=code_digest())
        CfnOutput(self, "DatasetsDigest", value=datasets_digest())
        CfnOutput(self, "DatasetsUrl", value=create_declarations(self).s3_object_url)

    def _add_function_outputs(self, functions: LoadFunctions) -> None:
        """Name the functions that the `loader` command invokes, or whose environment it reads."""
        configured: tuple[LoadFunctionName, ...] = ("check_health", "convert_and_chunk", "find_stale", "write_batch")
        for name in configured:
            CfnOutput(self, f"{pascal_case(name)}Name", value=functions[name].function_name)


def _add_network_outputs(scope: Construct, network: Network) -> None:
    """Name what another machine in the VPC needs to reach InfluxDB and Secrets Manager as the functions do."""
    CfnOutput(scope, "FunctionSecurityGroupIds", value=Fn.join(",", network.security_group_ids))
    if network.secrets_endpoint_url:
        CfnOutput(scope, "SecretsEndpointUrl", value=network.secrets_endpoint_url)


def _warn_about_python_3_11(scope: Construct, config: LoaderConfig) -> None:
    if config.functions.python == "3.11":
        message = (
            "python is 3.11, which works on the local cloud only: Lambda runs it on glibc 2.26, and pyarrow's wheels "
            "need 2.28. Use 3.12 or 3.13 on AWS."
        )
        Annotations.of(scope).add_warning_v2("influxdb-loader:python", message)
