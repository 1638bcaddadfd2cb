"""Names that existing deployments depend on.

CloudFormation replaces a resource whose logical id changes: the user's data, or what running executions call, would
be gone. Scripts read the outputs, and functions read the variables, by name.
Add rows for new resources; do not edit one.
"""

from collections.abc import Callable, Mapping

import pytest

from infra_cdk.app import DATABASE_STACK_NAME
from shared.code_digest import code_digest, datasets_digest
from shared.settings import STACK_NAME
from tests.infra.conftest import Assembly

LOADER_RESOURCES = {
    "AWS::S3::Bucket": {"StorageSource42D3DA3E", "StorageWorkD07184AE"},
    "AWS::DynamoDB::Table": {"LedgerTable9343E4AA"},
    "AWS::SecretsManager::Secret": {"TokenSecretADE41DCA"},
    "AWS::SNS::Topic": {"AlarmsTopic3A2DFEBA"},
    "AWS::SQS::Queue": {"TriggerDeadLetters50E2EFBF"},
    "AWS::StepFunctions::StateMachine": {"LoaderStateMachineB80E24A7", "BackfillStateMachine395F6B27"},
    "AWS::Logs::LogGroup": {
        "FunctionsCheckHealthLog22ACEE2E",
        "FunctionsValidateSchemaLog7EC75F59",
        "FunctionsConvertAndChunkLogC17FD6F0",
        "FunctionsWriteBatchLog8C5D3B90",
        "FunctionsRegisterLoadLogC96A5837",
        "FunctionsReportLoadLog2C8C6EDE",
        "FunctionsFindStaleLogB88417C9",
        "FunctionsListFilesLog7B3C3E4A",
        "FunctionsReportBackfillLog6B8AB8C1",
        "FunctionsDeletePointsLog8E4AA454",
        "LoaderLogEAE112E4",
        "BackfillLogED590056",
    },
    "AWS::Lambda::Function": {
        "FunctionsCheckHealth4BC4B6C0",
        "FunctionsValidateSchema2C80C334",
        "FunctionsConvertAndChunk2AE325D2",
        "FunctionsWriteBatch2157E6BE",
        "FunctionsRegisterLoad5D23A216",
        "FunctionsReportLoadD8A30E34",
        "FunctionsFindStaleFFECC046",
        "FunctionsListFiles219C8C5F",
        "FunctionsReportBackfill68706C01",
        "FunctionsDeletePoints70A3E45F",
    },
}
DATABASE_RESOURCES = {
    "AWS::Timestream::InfluxDBInstance": {"Instance"},
    "AWS::SecretsManager::Secret": {"Password67973E0B"},
    "AWS::EC2::SecurityGroup": {"Clients67031123", "GroupC77FDACD"},
    "AWS::EC2::SecurityGroupIngress": {"GroupfromInfluxdbDatabaseClients13F4D0998086D36C4E31"},
}
OUTPUTS = {
    STACK_NAME: {
        "SourceBucketName",
        "WorkBucketName",
        "LedgerTableName",
        "StateMachineArn",
        "BackfillArn",
        "SweepMinutes",
        "TokenSecretName",
        "FunctionSecurityGroupIds",
        "SecretsEndpointUrl",
        "TriggerRuleName",
        "DeadLetterQueueUrl",
        "AlarmTopicArn",
        "CodeDigest",
        "DatasetsDigest",
        "DatasetsUrl",
        "CheckHealthName",
        "ConvertAndChunkName",
        "FindStaleName",
        "WriteBatchName",
        "DeletePointsName",
    },
    DATABASE_STACK_NAME: {"InfluxdbUrl", "DatabaseSecurityGroupId", "ClientSecurityGroupId", "AdminSecretArn"},
}
LOG = {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_LOGGER_SAMPLE_RATE"}
INFLUX = {
    "INFLUXDB_URL",
    "INFLUXDB_ORG",
    "INFLUXDB_BUCKET",
    "INFLUXDB_CA_BUNDLE",
    "INFLUXDB_TOKEN_SECRET_NAME",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
}
CONVERSION = {
    "MAX_BATCH_SIZE",
    "ENABLE_VALIDATION",
    "DROP_INVALID_RECORDS",
    "MAX_COLLISION_RATE",
    "MAX_SET_ASIDE_RATE",
    "MAX_SERIES",
    "FILE_SUFFIXES",
}
ARRAYS = {
    "MIMALLOC_ARENA_EAGER_COMMIT",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "OPENBLAS_NUM_THREADS",
}
VARIABLES = {
    "check_health": LOG | INFLUX | {"OUTAGE_PATIENCE"},
    "validate_schema": LOG
    | CONVERSION
    | {"WORK_BUCKET", "LEDGER_TABLE", "LEASE_SECONDS", "SOURCE_PREFIX", "OPENBLAS_NUM_THREADS"},
    "convert_and_chunk": LOG | CONVERSION | {"WORK_BUCKET", "SOURCE_PREFIX"} | ARRAYS,
    "write_batch": LOG | INFLUX | {"WORK_BUCKET", "MAX_RETRIES", "DROP_INVALID_RECORDS", "OUTAGE_PATIENCE"},
    "register_load": LOG
    | {"WORK_BUCKET", "LEDGER_TABLE", "INFLUXDB_BUCKET", "MAX_REJECTED_RATE"}
    | {"DROP_INVALID_RECORDS", "MAX_COLLISION_RATE", "MAX_SET_ASIDE_RATE"}
    | ARRAYS,
    "report_load": LOG
    | {"STACK_NAME", "LOG_GROUPS", "LEDGER_TABLE", "WORK_BUCKET", "INFLUXDB_BUCKET"}
    | {"MAX_REJECTED_RATE", "MAX_SET_ASIDE_RATE", "MAX_SERIES"},
    "find_stale": LOG
    | {"STACK_NAME", "LEDGER_TABLE", "WORK_BUCKET", "INFLUXDB_BUCKET", "STALE_PAUSE_SECONDS", "MAX_STALE_RATE"}
    | ARRAYS,
    "list_files": LOG
    | {"STACK_NAME", "WORK_BUCKET", "LEDGER_TABLE", "LEASE_SECONDS", "FILE_SUFFIXES", "SOURCE_PREFIX", "SWEEP_SINCE"},
    "report_backfill": LOG | {"WORK_BUCKET", "LEDGER_TABLE", "FILE_SUFFIXES", "SOURCE_PREFIX"},
    "delete_points": LOG | INFLUX | {"WORK_BUCKET", "LEDGER_TABLE"} | ARRAYS,
}


@pytest.fixture
def everything_new(variants: Callable[[str], Assembly]) -> Assembly:
    return variants("all_new")


def logical_ids(assembly: Assembly, stack: str, kind: str) -> set[str]:
    resources: Mapping[str, Mapping[str, object]] = assembly.stack(stack)["Resources"]
    return {name for name, resource in resources.items() if resource["Type"] == kind}


@pytest.mark.parametrize("kind", LOADER_RESOURCES)
def test_the_loaders_resources_keep_their_logical_ids(everything_new: Assembly, kind: str) -> None:
    assert logical_ids(everything_new, STACK_NAME, kind) == LOADER_RESOURCES[kind]


@pytest.mark.parametrize("kind", DATABASE_RESOURCES)
def test_the_databases_resources_keep_their_logical_ids(everything_new: Assembly, kind: str) -> None:
    assert logical_ids(everything_new, DATABASE_STACK_NAME, kind) == DATABASE_RESOURCES[kind]


def test_the_stacks_keep_their_names() -> None:
    assert (STACK_NAME, DATABASE_STACK_NAME) == ("InfluxdbLoader", "InfluxdbDatabase")


@pytest.mark.parametrize("stack", OUTPUTS)
def test_outputs_keep_their_names(everything_new: Assembly, stack: str) -> None:
    assert set(everything_new.stack(stack)["Outputs"]) == OUTPUTS[stack]


def test_environment_variables_keep_their_names(everything_new: Assembly) -> None:
    functions = everything_new.functions.items()
    assert {name: set(function["Environment"]["Variables"]) for name, function in functions} == VARIABLES


def test_outputs_tell_which_code_and_datasets_are_deployed(everything_new: Assembly) -> None:
    outputs = everything_new.stack(STACK_NAME)["Outputs"]
    digests = [outputs[name]["Value"] for name in ("CodeDigest", "DatasetsDigest")]
    assert digests == [code_digest(), datasets_digest()]
