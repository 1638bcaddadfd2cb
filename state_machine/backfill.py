"""The backfill state machine: one execution loads every file under a prefix that is not loaded according to the ledger.

CheckHealth reads the ids of the InfluxDB buckets. A Distributed Map lists the objects and starts a child execution for
each. A child skips keys that are not files (`shared/file_keys.py`) and files that are loaded, and starts an execution
of the loader for the rest. A file that was loaded into a bucket with another id is loaded again: the bucket was
replaced, and the points in it are lost. At the end ReportBackfill compares the bucket with the ledger. Like the loader,
it uses JSONPath only.
"""

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.aws_errors import AWS_START_ERRORS
from shared.datasets import DATASETS
from shared.file_keys import FILE_SUFFIX, TEMPORARY_FOLDER
from state_machine.invocations import call_payload, invocation, retry, wait_for_service
from state_machine.machines import build_state_machine, execution_paths
from state_machine.settings import MachineSettings

DEFAULTS = {"max_concurrency": 4, "tolerated_failure_percentage": 10, "force": False}
"""The number of concurrent loads, each with several writers, the percentage of failures that stops the backfill, and
whether files that are loaded are loaded again.
"""

LEDGER_ITEM = "$.ledger.Items[0]"
"""The path of the ledger's item in the state of a child."""

RESULTS = "staging/backfills"
"""The prefix of the Map's results, which are larger than a state may be. They expire with the staged objects."""


class BackfillStateMachine(Construct):
    """The state machine that loads all files of a prefix.

    Its input is `{"bucket": …, "prefix": …}` and optionally keys of `DEFAULTS`. `infra_cdk.permissions` does not allow
    it to stop loads: if a backfill is stopped, running loads finish, and no killed execution leaves its claim behind.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        load: sfn.IStateMachine,
        check_health: lambda_.IFunction,
        report: lambda_.IFunction,
        work: s3.IBucket,
        ledger: dynamodb.ITable,
        settings: MachineSettings,
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self.node.set_context("@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2", True)  # noqa: FBT003
        self._load = load
        self._health = check_health
        self._report = report
        self._work = work
        self._ledger = ledger
        self._settings = settings
        timeout = Duration.days(settings.backfill_days)
        self.state_machine = build_state_machine(self, self._backfill(), timeout=timeout, log_group=log_group)

    def _backfill(self) -> sfn.Chain:
        """Chain the states: check InfluxDB, load the files, then report. If too many loads fail, report that and fail.

        The report reads the ledger and not the Map's results, so it is complete in both cases. If InfluxDB is not
        healthy, no load is started: each of them would fail.
        """
        check_health, load_files = self._check_health(), self._load_files()
        fail = sfn.Fail(self, "FailBackfill", error_path="$.failure.error", cause_path="$.failure.cause")
        given_up = self._call_report("ReportGivenUp", result_path="$.failure").next(fail)
        for state in (check_health, load_files):
            state.add_catch(given_up, errors=["States.ALL"], result_path="$.error")
        return self._receive().next(check_health).next(load_files).next(self._call_report("ReportBackfill"))

    def _check_health(self) -> tasks.LambdaInvoke:
        return invocation(self, "CheckHealth", self._health, settings=self._settings, result_path="$.health")

    def _call_report(self, state: str, result_path: str | None = None) -> tasks.LambdaInvoke:
        return invocation(
            self, state, self._report, settings=self._settings, payload=call_payload(), result_path=result_path
        )

    def _receive(self) -> sfn.Chain:
        """Start the `shared.events.BackfillState` with the input, merged into the defaults, and the execution."""
        parts = {"defaults": DEFAULTS, "input": sfn.JsonPath.entire_payload, "known": {"execution": execution_paths()}}
        defaults, input_, execution = (sfn.JsonPath.object_at(f"$.{part}") for part in parts)
        merged = sfn.JsonPath.json_merge(sfn.JsonPath.json_merge(defaults, input_), execution)
        receive = sfn.Pass(self, "Receive", parameters=parts)
        return receive.next(sfn.Pass(self, "Begin", parameters={"state": merged}, output_path="$.state"))

    def _load_files(self) -> sfn.DistributedMap:
        """Return the Map over the objects that the bucket has now. A child fails if its load fails."""
        listing_fields = {"etag": "Etag", "last_modified": "LastModified", "key": "Key"}
        item = {name: sfn.JsonPath.object_at(f"$$.Map.Item.Value.{field}") for name, field in listing_fields.items()}
        return sfn.DistributedMap(
            self,
            "LoadFiles",
            label="LoadFiles",
            item_reader=_Objects(
                bucket_name_path=sfn.JsonPath.string_at("$.bucket"), prefix=sfn.JsonPath.string_at("$.prefix")
            ),
            item_selector=item
            | {
                "bucket": sfn.JsonPath.string_at("$.bucket"),
                "force": sfn.JsonPath.object_at("$.force"),
                "bucket_ids": sfn.JsonPath.object_at("$.health.bucket_ids"),
            },
            max_concurrency_path="$.max_concurrency",
            tolerated_failure_percentage_path="$.tolerated_failure_percentage",
            result_writer_v2=_Results(bucket=self._work, prefix=RESULTS),
            result_path=sfn.JsonPath.DISCARD,
        ).item_processor(self._load_file())

    def _load_file(self) -> sfn.Choice:
        """Chain the states of a child: start a load only for a file that is not loaded, or whose bucket was replaced.

        LoadAgain loads whatever the ledger says. StartLoad respects the claim of another execution.
        """
        done = sfn.Succeed(self, "Done")
        load_again = self._start_load("LoadAgain", force=True)
        loaded = sfn.Choice(self, "Loaded?")
        loaded.when(sfn.Condition.number_equals("$.ledger.Count", 0), self._start_load("StartLoad"))
        loaded.when(sfn.Condition.or_(*map(_is_replaced, DATASETS)), load_again).otherwise(done)
        is_file = sfn.Choice(self, "File?")
        temporary = sfn.Condition.string_matches("$.key", f"*/{TEMPORARY_FOLDER}/*")
        file = sfn.Condition.string_matches("$.key", f"*{FILE_SUFFIX}")
        is_file.when(temporary, done)
        is_file.when(sfn.Condition.and_(file, sfn.Condition.boolean_equals("$.force", value=True)), load_again)
        is_file.when(file, self._find_loaded().next(loaded))
        return is_file.otherwise(done)

    def _find_loaded(self) -> tasks.CallAwsService:
        """Query the ledger by ETag and time, since a listing of the bucket has no version ids.

        Two versions match only if equal bytes were uploaded twice within a second; `Loaded?` looks at the first one.
        """
        expected = {"object": "S", "status": "S", "etag": "S", "last_modified": "N"}
        values = {
            "object": sfn.JsonPath.format("s3://{}/{}", *map(sfn.JsonPath.string_at, ("$.bucket", "$.key"))),
            "status": "loaded",
            "etag": sfn.JsonPath.string_at("$.etag"),
            "last_modified": sfn.JsonPath.format("{}", sfn.JsonPath.string_at("$.last_modified")),
        }
        find = tasks.CallAwsService(
            self,
            "FindLoaded",
            service="dynamodb",
            action="query",
            parameters={
                "TableName": self._ledger.table_name,
                "ProjectionExpression": "#dataset, #bucket_id",
                "ConsistentRead": True,
                "KeyConditionExpression": "#object = :object",
                "FilterExpression": "#status = :status AND #etag = :etag AND #last_modified = :last_modified",
                "ExpressionAttributeNames": {f"#{name}": name for name in (*expected, "dataset", "bucket_id")},
                "ExpressionAttributeValues": {f":{name}": {kind: values[name]} for name, kind in expected.items()},
            },
            iam_resources=[self._ledger.table_arn],
            iam_action="dynamodb:Query",
            result_path="$.ledger",
        )
        wait_for_service(find, "DynamoDb", settings=self._settings)
        retry(find, ["States.ALL"], attempts=self._settings.transient_attempts, settings=self._settings)
        return find

    def _start_load(self, name: str, *, force: bool = False) -> sfn.CustomState:
        """Return a state that starts an execution of the loader and waits for its end.

        CDK's own task would grant the permission to stop it.
        """
        request = {
            "StateMachineArn": self._load.state_machine_arn,
            "Input": {
                "bucket.$": "$.bucket",
                "key.$": "$.key",
                **({"force": True} if force else {}),
                "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
            },
        }
        resource = f"arn:{Stack.of(self).partition}:states:::states:startExecution.sync:2"
        state = {"Type": "Task", "Resource": resource, "Parameters": request}
        start = sfn.CustomState(self, name, state_json=state)
        wait_for_service(start, "StepFunctions", settings=self._settings)
        retry(start, AWS_START_ERRORS, attempts=self._settings.transient_attempts, settings=self._settings)
        return start


def _is_replaced(dataset: str) -> sfn.Condition:
    """Return the condition that the file was loaded into a bucket of the dataset that has another id now.

    An id that is missing on either side counts as equal.
    """
    recorded, current = f"{LEDGER_ITEM}.bucket_id.S", f"$.bucket_ids.{dataset}"
    checkable = (
        sfn.Condition.not_(sfn.Condition.string_equals(recorded, "")),
        sfn.Condition.not_(sfn.Condition.string_equals(current, "")),
    )
    return sfn.Condition.and_(
        sfn.Condition.string_equals(f"{LEDGER_ITEM}.dataset.S", dataset),
        sfn.Condition.is_present(recorded),
        *checkable,
        sfn.Condition.not_(sfn.Condition.string_equals_json_path(recorded, current)),
    )


class _Objects(sfn.S3ObjectsItemReader):
    """An item reader without CDK's policy, which would allow listing every bucket."""

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        return []


class _Results(sfn.ResultWriterV2):
    """A result writer without CDK's policy, which would allow writing to the whole bucket."""

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        return []
