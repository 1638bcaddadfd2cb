"""The state machine: one execution loads one file, and converts all of it before anything is written.

JSONPath only, without variables, so that local interpreters run the very definition that is deployed. States pass
references and counts: with 40 parts and 800 chunks the largest stays below half of the 256 KiB that a state may hold.
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.errors import AWS_KILLED_ERRORS, AWS_TRANSIENT_ERRORS, TransientError, error_names
from shared.events import SourceFile
from state_machine.settings import LoadFunctions, MachineSettings

Payload = dict[str, Any]


class LoaderStateMachine(Construct):
    """Chains the functions. Tasks retry what may heal; top-level states send every other error to ReportFailure."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: LoadFunctions,
        settings: MachineSettings,
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._functions = functions
        self._settings = settings
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_chainable(self._load()),
            timeout=Duration.hours(settings.timeout_hours),
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=True),
        )

    def _load(self) -> sfn.Chain:
        """Event to report. Each state that can fail catches into the same ReportFailure."""
        check_health = self._task("CheckHealth", self._functions.check_health, result_path="$.health")
        validate_schema = self._task("ValidateSchema", self._functions.validate_schema, result_path="$.file")
        convert_parts = self._convert_parts()
        write_chunks = self._write_chunks()
        report_load = self._task(
            "ReportLoad", self._functions.report_load, payload=_same("event", "execution", "health", "file")
        )
        report_failure = self._report_failure()
        for state in (check_health, validate_schema, convert_parts, write_chunks, report_load):
            state.add_catch(report_failure, errors=["States.ALL"], result_path="$.error")
        any_rows = sfn.Choice(self, "AnyRows?")
        any_rows.when(sfn.Condition.number_greater_than("$.file.rows", 0), convert_parts).otherwise(report_load)
        convert_parts.next(self._list_chunks()).next(write_chunks).next(report_load)
        return self._receive().next(check_health).next(validate_schema).next(any_rows)

    def _receive(self) -> sfn.Pass:
        """The event as it came, beside the execution that loads it: the start of `shared.events.LoadState`."""
        execution = {
            "id": sfn.JsonPath.string_at("$$.Execution.Id"),
            "name": sfn.JsonPath.string_at("$$.Execution.Name"),
            "start_time": sfn.JsonPath.string_at("$$.Execution.StartTime"),
        }
        return sfn.Pass(self, "Receive", parameters={"event": sfn.JsonPath.entire_payload, "execution": execution})

    def _convert_parts(self) -> sfn.Map:
        """Over `shared.events.PartRef`; the result is a list of `PartConverted`."""
        part_ref = {
            "execution": sfn.JsonPath.string_at("$.execution.name"),
            "file": {key: sfn.JsonPath.object_at(f"$.file.{key}") for key in SourceFile.__annotations__},
            "part": sfn.JsonPath.object_at("$$.Map.Item.Value"),
        }
        return sfn.Map(
            self,
            "ConvertParts",
            items_path="$.file.parts",
            item_selector=part_ref,
            max_concurrency=self._settings.convert_concurrency,
            result_path="$.converted",
        ).item_processor(self._task("ConvertAndChunk", self._functions.convert_and_chunk))

    def _list_chunks(self) -> sfn.Pass:
        """One flat list in place of the list of parts: a Map cannot iterate over `$.converted[*].chunks[*]` itself."""
        chunks = sfn.JsonPath.list_at("$.converted[*].chunks[*]")
        return sfn.Pass(self, "ListChunks", parameters={"chunks": chunks}, result_path="$.converted")

    def _write_chunks(self) -> sfn.Map:
        """Over chunks. Results are dropped: a failing Map would lose them, the outcomes in the work bucket stay."""
        item = {
            "load_id": sfn.JsonPath.string_at("$.file.load_id"),
            "bucket": sfn.JsonPath.string_at("$.file.bucket"),
            "key": sfn.JsonPath.string_at("$.file.key"),
            "dataset": sfn.JsonPath.string_at("$.file.dataset"),
            "execution": sfn.JsonPath.string_at("$.execution.name"),
            "chunk": sfn.JsonPath.string_at("$$.Map.Item.Value.chunk"),
            "sha256": sfn.JsonPath.string_at("$$.Map.Item.Value.sha256"),
            "points": sfn.JsonPath.number_at("$$.Map.Item.Value.points"),
            "progress": {"next_batch": 0, "waits": 0},
        }
        return sfn.Map(
            self,
            "WriteChunks",
            items_path="$.converted.chunks",
            item_selector=item,
            max_concurrency=self._settings.write_concurrency,
            result_path=sfn.JsonPath.DISCARD,
        ).item_processor(self._write_chunk())

    def _write_chunk(self) -> sfn.Chain:
        """Call WriteBatch until the chunk is written, waiting in between as long as InfluxDB asks for."""
        chunk_ref = _same("load_id", "bucket", "key", "dataset", "execution", "chunk", "sha256", "points")
        chunk_ref |= {key: sfn.JsonPath.number_at(f"$.progress.{key}") for key in ("next_batch", "waits")}
        write_batch = self._task("WriteBatch", self._functions.write_batch, payload=chunk_ref, result_path="$.progress")
        wait = sfn.Wait(self, "WaitForInflux", time=sfn.WaitTime.timestamp_path("$.progress.not_before"))
        written = sfn.Choice(self, "Written?")
        written.when(sfn.Condition.boolean_equals("$.progress.written", value=True), sfn.Succeed(self, "Done"))
        return write_batch.next(written.otherwise(wait.next(write_batch)))

    def _report_failure(self) -> tasks.LambdaInvoke:
        """Report, then fail with the reported error and cause; with the original ones if even that fails."""
        report = self._task("ReportFailure", self._functions.report_load, result_path="$.failure")
        unreported = sfn.Fail(self, "FailUnreported", error_path="$.error.Error", cause_path="$.error.Cause")
        report.add_catch(unreported, errors=["States.ALL"], result_path="$.failure")
        report.next(sfn.Fail(self, "FailLoad", error_path="$.failure.error", cause_path="$.failure.cause"))
        return report

    def _task(
        self, state: str, function: lambda_.IFunction, *, payload: Payload | None = None, result_path: str | None = None
    ) -> tasks.LambdaInvoke:
        """Invoke `function` with the whole state or with `payload`; retry what may heal, and a killed function once."""
        task = tasks.LambdaInvoke(
            self,
            state,
            lambda_function=function,
            payload=sfn.TaskInput.from_object(payload) if payload else None,
            payload_response_only=True,
            result_path=result_path,
            retry_on_service_exceptions=False,
        )
        for errors in (error_names(TransientError), AWS_TRANSIENT_ERRORS):
            self._retry(task, errors, attempts=self._settings.transient_attempts)
        self._retry(task, AWS_KILLED_ERRORS, attempts=self._settings.killed_attempts)
        return task

    def _retry(self, task: tasks.LambdaInvoke, errors: Sequence[str], *, attempts: int) -> None:
        task.add_retry(
            errors=list(errors),
            interval=Duration.seconds(self._settings.backoff_seconds),
            backoff_rate=2,
            max_delay=Duration.seconds(self._settings.max_delay_seconds),
            jitter_strategy=sfn.JitterType.FULL,
            max_attempts=attempts,
        )


def _same(*keys: str) -> Payload:
    """These keys of the state, under the same names."""
    return {key: sfn.JsonPath.object_at(f"$.{key}") for key in keys}
