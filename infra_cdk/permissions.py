"""The permissions of the functions and the state machines on the buckets, the ledger, the secret, and their KMS keys.

docs/permissions.md lists all permissions. functions.py grants those for logs, traces and network
interfaces. CDK grants those that it derives from the definition of a state machine.
"""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Fn, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_stepfunctions as sfn

from infra_cdk.config import StorageConfig
from infra_cdk.policy_statements import allow, allow_reading
from shared.deletion.records import DELETIONS
from shared.function_names import FunctionName
from shared.ledger import CHANGES
from shared.pages.index import INDEX_KEY
from shared.slots import SLOT
from shared.stale.records import STALE
from shared.sweep_lease import KEY
from shared.work_bucket import BACKFILL_STAGING

REJECTED_POINTS = "quarantine/*/points-*"
RULE_OF_STEP_FUNCTIONS = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
"""The rule that Step Functions manages in order to notice when an execution ends that another one waits for."""


class Permissions:
    """The policy statements of one deployment, whose patterns match the keys that `shared/work_bucket.py` builds."""

    def __init__(
        self,
        config: StorageConfig,
        *,
        source: s3.IBucket,
        work: s3.IBucket,
        ledger: dynamodb.ITable,
        token: secretsmanager.ISecret,
    ) -> None:
        self._source = source
        self._work = work
        self._ledger = ledger
        self._token = token
        self._own_keys = [config.kms_key_arn] if config.kms_key_arn else []
        self._existing_keys = list(config.decrypt_key_arns)

    def by_function(self) -> dict[FunctionName, list[iam.PolicyStatement]]:
        """Return the statements of each function, by function name."""
        source = [
            *allow_reading(self._source, "*", "s3:GetObjectVersion"),
            *self._decrypt(self._own_keys + self._existing_keys),
        ]
        staged = [*allow_reading(self._work, "staging/*"), *self._decrypt(self._own_keys)]
        token = [self._read_token(), *self._decrypt(self._own_keys + self._existing_keys)]
        return {
            "check_health": token,
            "validate_schema": [
                *source,
                *self._write("staging/findings/*"),
                allow(["s3:ListBucketVersions"], [self._source.bucket_arn]),
                allow(["dynamodb:BatchGetItem", "dynamodb:Query"], [self._ledger.table_arn]),
                self._update_items(f"{SLOT}*", "dynamodb:PutItem", "dynamodb:UpdateItem"),
            ],
            "convert_and_chunk": [
                *source,
                *allow_reading(self._work, "staging/*/losing/*"),
                *self._write("staging/*", "quarantine/*/rows-*", "footprints/*"),
            ],
            "write_batch": [
                *staged,
                *allow_reading(self._work, REJECTED_POINTS),
                *token,
                *self._write("staging/*/outcomes/*", REJECTED_POINTS),
            ],
            "register_load": [
                *staged,
                *allow_reading(self._work, "footprints/*"),
                *allow_reading(self._work, REJECTED_POINTS),
                *self._write("staging/*"),
                allow(["dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"], [self._ledger.table_arn]),
            ],
            "report_load": [
                *staged,
                *self._write("staging/*/end.json", "reports/*"),
                allow(["dynamodb:Query", "dynamodb:UpdateItem"], [self._ledger.table_arn]),
            ],
            "find_stale": [
                *allow_reading(self._work, "footprints/*"),
                *allow_reading(self._work, "removals/*"),
                *allow_reading(self._work, "reports/*"),
                *allow_reading(self._work, REJECTED_POINTS),
                *self._decrypt(self._own_keys),
                allow(["dynamodb:BatchGetItem"], [self._ledger.table_arn]),
                allow(["dynamodb:Query"], [self._ledger.table_arn, f"{self._ledger.table_arn}/index/{CHANGES}"]),
                self._update_items(STALE, "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
            ],
            "list_files": [
                allow(["s3:ListBucketVersions"], [self._source.bucket_arn]),
                allow(["dynamodb:BatchGetItem", "dynamodb:DescribeTable"], [self._ledger.table_arn]),
                allow(["dynamodb:Query"], [self._ledger.table_arn, f"{self._ledger.table_arn}/index/{CHANGES}"]),
                self._update_items(KEY["object"], "dynamodb:UpdateItem"),
                self._update_sweep_results(),
                *self._decrypt(self._own_keys),
                *allow_reading(self._work, f"{BACKFILL_STAGING}/manifests/*"),
                *self._write(f"{BACKFILL_STAGING}/*"),
            ],
            "report_backfill": [
                allow(["s3:ListBucketVersions"], [self._source.bucket_arn]),
                *allow_reading(self._work, f"{BACKFILL_STAGING}/*"),
                allow(["dynamodb:BatchGetItem"], [self._ledger.table_arn]),
                allow(["dynamodb:Query"], [self._ledger.table_arn, f"{self._ledger.table_arn}/index/{CHANGES}"]),
                self._update_items(KEY["object"], "dynamodb:UpdateItem"),
                *self._decrypt(self._own_keys),
                *self._write("backfills/*", INDEX_KEY),
            ],
            "delete_points": [
                *token,
                *allow_reading(self._work, f"{DELETIONS}/*"),
                allow(["s3:GetObject"], [self._work.arn_for_objects("removals/*")]),
                *self._write(f"{DELETIONS}/*", "removals/*"),
                allow(["dynamodb:Query"], [f"{self._ledger.table_arn}/index/{CHANGES}"]),
                self._update_items("deletion*", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
                self._update_items(STALE, "dynamodb:Query", "dynamodb:UpdateItem"),
            ],
        }

    def loader(self) -> list[iam.PolicyStatement]:
        """Return the statements of the loader's state machine: the use of the key that encrypts the ledger.

        CDK's own grant of a key has wildcards in its actions.
        """
        actions = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
        return [allow([f"kms:{action}" for action in actions], self._own_keys)] if self._own_keys else []

    def backfill(self, loader: sfn.IStateMachine) -> list[iam.PolicyStatement]:
        """Return the statements of the backfill: read lists, store results, start loads and wait for them.

        It cannot stop a load: loads that are running when a backfill is stopped finish normally.
        """
        rule = Stack.of(loader).format_arn(service="events", resource="rule", resource_name=RULE_OF_STEP_FUNCTIONS)
        results = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject")
        return [
            # Backfills that an earlier release started still list the bucket and query the ledger themselves.
            allow(["s3:ListBucket"], [self._source.bucket_arn]),
            allow(["dynamodb:Query"], [self._ledger.table_arn]),
            allow(results, [self._work.arn_for_objects(f"{BACKFILL_STAGING}/*")]),
            allow(["states:StartExecution"], [loader.state_machine_arn]),
            self.describe_loads(loader),
            allow(["events:DescribeRule", "events:PutRule", "events:PutTargets"], [rule]),
            *self._decrypt(self._own_keys),
            *([allow(["kms:GenerateDataKey"], self._own_keys)] if self._own_keys else []),
        ]

    def describe_loads(self, loader: sfn.IStateMachine) -> iam.PolicyStatement:
        """Return the statement for looking at the executions of the loader."""
        name = Fn.select(6, Fn.split(":", loader.state_machine_arn))
        executions = Stack.of(loader).format_arn(
            service="states", resource="execution", resource_name=f"{name}:*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        return allow(["states:DescribeExecution"], [executions])

    def _update_items(self, objects: str, *actions: str) -> iam.PolicyStatement:
        """Return the statement for writing items of the ledger whose `object` matches a pattern."""
        statement = allow(actions, [self._ledger.table_arn])
        statement.add_condition("ForAllValues:StringLike", {"dynamodb:LeadingKeys": [objects]})
        return statement

    def _update_sweep_results(self) -> iam.PolicyStatement:
        """Return the statement for two attributes of all items; the update's condition names `execution`, too."""
        statement = allow(["dynamodb:UpdateItem"], [self._ledger.table_arn])
        attributes = ["object", "version", "execution", "sweep_result", "slot_examined"]
        statement.add_condition("ForAllValues:StringEquals", {"dynamodb:Attributes": attributes})
        returned = ["NONE", "UPDATED_OLD", "UPDATED_NEW"]
        statement.add_condition("StringEqualsIfExists", {"dynamodb:ReturnValues": returned})
        return statement

    def _write(self, *keys: str) -> list[iam.PolicyStatement]:
        """Return the statements for writing to the work bucket."""
        put = allow(["s3:PutObject"], [self._work.arn_for_objects(pattern) for pattern in keys])
        return [put, *([allow(["kms:GenerateDataKey"], self._own_keys)] if self._own_keys else [])]

    def _read_token(self) -> iam.PolicyStatement:
        arn = self._token.secret_full_arn or f"{self._token.secret_arn}-??????"
        return allow(["secretsmanager:GetSecretValue"], [arn])

    def _decrypt(self, keys: Sequence[str]) -> list[iam.PolicyStatement]:
        return [allow(["kms:Decrypt"], keys)] if keys else []
