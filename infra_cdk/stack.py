"""The stack: composes the constructs and names what a person needs to find again."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra_cdk.config import LoaderConfig
from infra_cdk.environment import environments
from infra_cdk.findings import acknowledge_findings
from infra_cdk.functions import Functions
from infra_cdk.log_groups import log_group
from infra_cdk.permissions import permissions
from infra_cdk.secret import TokenSecret
from infra_cdk.storage import Storage
from infra_cdk.trigger import Trigger
from state_machine.loader import LoaderStateMachine
from state_machine.settings import LoadFunctions, MachineSettings


class LoaderStack(Stack):
    """S3 object → rule → state machine → functions → InfluxDB."""

    def __init__(self, scope: Construct, construct_id: str, *, config: LoaderConfig) -> None:
        super().__init__(scope, construct_id, description="Loads Parquet files from S3 into InfluxDB")
        storage = Storage(self, "Storage")
        token = TokenSecret(self, "Token", existing_name=config.token_secret_name).secret
        functions = Functions(
            self,
            "Functions",
            config=config,
            environments=environments(
                config, work_bucket=storage.work.bucket_name, token_secret_name=token.secret_name
            ),
            permissions=permissions(source=storage.source, work=storage.work, token=token),
        ).load_functions
        state_machine = LoaderStateMachine(
            self,
            "Loader",
            functions=functions,
            settings=_machine_settings(config),
            log_group=log_group(self, "LoaderLog"),
        ).state_machine
        Trigger(self, "Trigger", bucket=storage.source, state_machine=state_machine)
        acknowledge_findings(self)
        self._name_outputs(storage, state_machine, token)
        self._name_configured(functions)

    def _name_outputs(self, storage: Storage, state_machine: sfn.StateMachine, token: secretsmanager.ISecret) -> None:
        CfnOutput(self, "SourceBucketName", value=storage.source.bucket_name)
        CfnOutput(self, "WorkBucketName", value=storage.work.bucket_name)
        CfnOutput(self, "StateMachineArn", value=state_machine.state_machine_arn)
        CfnOutput(self, "TokenSecretName", value=token.secret_name)

    def _name_configured(self, functions: LoadFunctions) -> None:
        """Whose environment tells how files are converted and where points go."""
        CfnOutput(self, "ConvertAndChunkName", value=functions.convert_and_chunk.function_name)
        CfnOutput(self, "WriteBatchName", value=functions.write_batch.function_name)


def _machine_settings(config: LoaderConfig) -> MachineSettings:
    return MachineSettings(
        write_concurrency=config.write_concurrency,
        convert_concurrency=config.convert_concurrency,
        backoff_seconds=config.backoff_seconds,
        transient_attempts=config.transient_attempts,
    )
