"""The backfill state machine: one execution loads every file under a prefix that is not loaded according to the ledger.

CheckHealth reads the ids of the InfluxDB buckets. ListFiles compares the objects with the ledger, and stores a list of
the files to load; a Distributed Map, LoadFiles, starts a child execution for each of them, which starts an execution of
the loader. If there are more files than one list may have, both run again for the next list. A file that was loaded
into a bucket with another id is loaded again: the bucket was replaced, and the points in it are lost. At the end
ReportBackfill compares the lists with the ledger. Like the loader, it uses JSONPath only.

A sweep is a backfill of other files, which a schedule starts (`infra_cdk/sweep.py`): those that failed or were
abandoned and can heal. JudgeRevisions first looks for stale points. Then the sweep asks InfluxDB once, in TryHealth,
and loads nothing while InfluxDB is down.
"""

from dataclasses import replace

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.aws_errors import AWS_START_ERRORS
from shared.work_bucket import BACKFILL_STAGING
from state_machine.invocations import call_payload, invocation, retry, wait_for_service
from state_machine.machines import build_state_machine, execution_paths
from state_machine.settings import BackfillFunctions, MachineSettings

DEFAULTS = {"max_concurrency": 4, "tolerated_failure_percentage": 10, "force": False, "sweep": False}
"""The number of concurrent loads, each with several writers, the percentage of failures that stops the backfill,
whether files that are loaded are loaded again, and whether this is a sweep.
"""


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
        find_stale: lambda_.IFunction,
        functions: BackfillFunctions,
        work: s3.IBucket,
        settings: MachineSettings,
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self.node.set_context("@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2", True)  # noqa: FBT003
        self._load = load
        self._health = check_health
        self._find_stale = find_stale
        self._functions = functions
        self._work = work
        self._settings = settings
        timeout = Duration.days(settings.backfill_days)
        self.state_machine = build_state_machine(self, self._backfill(), timeout=timeout, log_group=log_group)

    def _backfill(self) -> sfn.Chain:
        """Chain the states: check InfluxDB, list and load the files, then report.

        If too many loads fail, report that and fail. The report reads the ledger and not the Map's results, so it is
        complete in both cases. If InfluxDB is not healthy, no load is started: each of them would fail.
        """
        check_health, list_files, load_files = self._check_health(), self._list_files(), self._load_files()
        try_health = self._try_health()
        try_health.add_catch(list_files, errors=["States.ALL"], result_path="$.unhealthy")
        fail = sfn.Fail(self, "FailBackfill", error_path="$.failure.error", cause_path="$.failure.cause")
        given_up = self._call_report("ReportGivenUp", result_path="$.failure").next(fail)
        for state in (check_health, list_files, load_files):
            state.add_catch(given_up, errors=["States.ALL"], result_path="$.error")
        all_listed = sfn.Choice(self, "AllListed?").when(
            sfn.Condition.is_null("$.list.next"), self._call_report("ReportBackfill")
        )
        all_listed.otherwise(list_files)
        any_files = sfn.Choice(self, "AnyFiles?").when(
            sfn.Condition.number_greater_than("$.list.files", 0), load_files.next(all_listed)
        )
        list_files.next(any_files.otherwise(all_listed))
        is_sweep = sfn.Choice(self, "Sweep?")
        sweep = self._judge_revisions(try_health).next(try_health).next(list_files)
        is_sweep.when(sfn.Condition.boolean_equals("$.sweep", value=True), sweep)
        return self._receive().next(is_sweep.otherwise(check_health.next(list_files)))

    def _check_health(self) -> tasks.LambdaInvoke:
        return invocation(self, "CheckHealth", self._health, settings=self._settings, result_path="$.health")

    def _try_health(self) -> tasks.LambdaInvoke:
        """Return the state of a sweep that asks InfluxDB once: the next sweep asks again."""
        once = replace(self._settings, transient_attempts=0)
        return invocation(self, "TryHealth", self._health, settings=once, result_path="$.health")

    def _judge_revisions(self, try_health: tasks.LambdaInvoke) -> tasks.LambdaInvoke:
        """Return the state of a sweep that finds stale points where no file of a newer revision arrives any more.

        Whatever its error, the sweep goes on: the next one tries again.
        """
        once = replace(self._settings, transient_attempts=0, killed_attempts=0)
        judge = invocation(
            self,
            "JudgeRevisions",
            self._find_stale,
            settings=once,
            payload=call_payload("execution"),
            result_path=sfn.JsonPath.DISCARD,
            throttled_attempts=0,
        )
        judge.add_catch(try_health, errors=["States.ALL"], result_path=sfn.JsonPath.DISCARD)
        return judge

    def _list_files(self) -> tasks.LambdaInvoke:
        """Return the state that makes the first list, and then the list after `$.list`."""
        function = self._functions["list_files"]
        return invocation(self, "ListFiles", function, settings=self._settings, result_path="$.list")

    def _call_report(self, state: str, result_path: str | None = None) -> tasks.LambdaInvoke:
        function, payload = self._functions["report_backfill"], call_payload()
        return invocation(self, state, function, settings=self._settings, payload=payload, result_path=result_path)

    def _receive(self) -> sfn.Chain:
        """Start the `shared.events.BackfillState` with the input, merged into the defaults, and the execution."""
        parts = {"defaults": DEFAULTS, "input": sfn.JsonPath.entire_payload, "known": {"execution": execution_paths()}}
        defaults, input_, execution = (sfn.JsonPath.object_at(f"$.{part}") for part in parts)
        merged = sfn.JsonPath.json_merge(sfn.JsonPath.json_merge(defaults, input_), execution)
        receive = sfn.Pass(self, "Receive", parameters=parts)
        return receive.next(sfn.Pass(self, "Begin", parameters={"state": merged}, output_path="$.state"))

    def _load_files(self) -> sfn.DistributedMap:
        """Return the Map over the files of the list. A child fails if its load fails."""
        item = {name: sfn.JsonPath.object_at(f"$$.Map.Item.Value.{name}") for name in ("key", "version_id", "force")}
        return sfn.DistributedMap(
            self,
            "LoadFiles",
            label="LoadFiles",
            item_reader=_Lines(bucket=self._work, key=sfn.JsonPath.string_at("$.list.key")),
            item_selector=item | {"bucket": sfn.JsonPath.string_at("$.bucket")},
            max_concurrency_path="$.max_concurrency",
            tolerated_failure_percentage_path="$.tolerated_failure_percentage",
            result_writer_v2=_Results(bucket=self._work, prefix=BACKFILL_STAGING),
            result_path=sfn.JsonPath.DISCARD,
        ).item_processor(self._start_load())

    def _start_load(self) -> sfn.CustomState:
        """Return the state that starts an execution of the loader and waits for its end.

        Without `force`, the execution respects the claim of another one. It always respects a newer revision that has
        the slot: the list may have both. CDK's own task would grant the permission to stop it.
        """
        request = {
            "StateMachineArn": self._load.state_machine_arn,
            "Input": {
                "bucket.$": "$.bucket",
                "key.$": "$.key",
                "version_id.$": "$.version_id",
                "force.$": "$.force",
                "override_slot": False,
                "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
            },
        }
        resource = f"arn:{Stack.of(self).partition}:states:::states:startExecution.sync:2"
        state = {"Type": "Task", "Resource": resource, "Parameters": request}
        start = sfn.CustomState(self, "StartLoad", state_json=state)
        wait_for_service(start, "StepFunctions", settings=self._settings)
        retry(start, AWS_START_ERRORS, attempts=self._settings.transient_attempts, settings=self._settings)
        return start


class _Lines(sfn.S3JsonLItemReader):
    """An item reader without CDK's policy, which would allow reading the whole bucket."""

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        return []


class _Results(sfn.ResultWriterV2):
    """A result writer without CDK's policy, which would allow writing to the whole bucket."""

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        return []
