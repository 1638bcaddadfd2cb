"""The loader state machine: one execution loads one file, and converts all of it before it writes any point.

`_load` chains the states in their order. A state that fails goes to ReportFailure (`_catch`), an object that is not to
be loaded goes to ReportSkip, and the claim and its settling are single requests to the ledger (`LedgerStates`). The two
Maps over parts and chunks are in `maps.py`.

The definition uses JSONPath without variables, so that local interpreters can run what is deployed. States pass
references and counts: with 40 parts and 240 chunks, the largest state is less than half of the 256 KiB that Step
Functions allows.
"""

from dataclasses import replace
from typing import TypeVar

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.aws_errors import AWS_CONDITION_FAILED_ERROR
from shared.events import FileRef
from shared.outages import NO_OUTAGE, CheckLaterError
from state_machine.comparison import chain_comparison, continue_at_once
from state_machine.confirmation import chain_confirmation, may_replace
from state_machine.invocations import Payload, call_payload, invocation
from state_machine.ledger import LedgerStates
from state_machine.machines import build_state_machine, execution_paths
from state_machine.maps import convert_again, convert_parts, write_chunks
from state_machine.outages import call_later
from state_machine.settings import LoadFunctions, MachineSettings

CatchableState = TypeVar("CatchableState", sfn.Map, tasks.LambdaInvoke, tasks.DynamoGetItem, tasks.DynamoUpdateItem)


class LoaderStateMachine(Construct):
    """The state machine that loads a file: functions, requests to the ledger, and one ReportFailure for all errors."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: LoadFunctions,
        ledger: dynamodb.ITable,
        settings: MachineSettings,
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._functions = functions
        self._settings = settings
        self._ledger = LedgerStates(self, ledger, settings)
        self._report_failure = self._make_report_failure()
        skip_keys = ("event", "execution", "file")
        self._report_skip = self._catch(self._call("ReportSkip", functions["report_load"], keys=skip_keys))
        self._settle_skipped = self._make_settle_skipped()
        timeout = Duration.hours(settings.timeout_hours)
        self.state_machine = build_state_machine(self, self._load(), timeout=timeout, log_group=log_group)

    def _load(self) -> sfn.Chain:
        """Chain all states: pin, claim, check, plan, convert, register, write, confirm, report, settle."""
        pin_source = self._catch(self._call("PinSource", self._functions["validate_schema"], result_path="$.file"))
        check_health = self._catch(self._check_health())
        validate_schema = self._catch(
            self._call("ValidateSchema", self._functions["validate_schema"], result_path="$.file")
        )
        check_health.next(validate_schema).next(self._add_plan_choice(validate_schema))
        to_load = sfn.Choice(self, "ToLoad?")
        to_load.when(sfn.Condition.string_equals("$.file.claim.version", ""), self._report_skip)
        to_load.when(_is_skipped(), self._settle_skipped)
        forced = sfn.Condition.boolean_equals("$.file.claim.force", value=True)
        to_load.when(forced, self._catch(self._ledger.claim_anyway()).next(check_health))
        to_load.otherwise(self._add_claim().next(check_health))
        return self._receive().next(pin_source).next(to_load)

    def _receive(self) -> sfn.Pass:
        """Start the `shared.events.LoadState` with the event and the execution."""
        event = sfn.JsonPath.entire_payload
        parameters = {"event": event, "execution": execution_paths(), "outage": dict(NO_OUTAGE), "stale": {}}
        return sfn.Pass(self, "Receive", parameters=parameters)

    def _add_claim(self) -> tasks.DynamoUpdateItem:
        """Claim the version. If that fails, skip a version that is loaded, being loaded, or undone, and else repeat it.

        Between the claim and the reading of the ledger, another execution may have settled the version as failed.
        """
        claim, read_claim = self._ledger.claim(), self._catch(self._ledger.read_claim())
        claim.add_catch(read_claim, errors=[AWS_CONDITION_FAILED_ERROR], result_path=sfn.JsonPath.DISCARD)
        status_choice = sfn.Choice(self, "Known?")
        skips = {
            "loaded": self._set_skipped("AlreadyLoaded", "already loaded"),
            "claimed": self._set_being_loaded(),
            "undone": self._set_skipped("Undone", "its load was undone; `loader load … --force` loads it again"),
        }
        for status, skip in skips.items():
            status_choice.when(
                sfn.Condition.string_equals("$.known.Item.status.S", status), skip.next(self._report_skip)
            )
        read_claim.next(status_choice.otherwise(claim))
        return self._catch(claim)

    def _set_skipped(self, state: str, reason: str) -> sfn.Pass:
        return sfn.Pass(self, state, result=sfn.Result.from_string(reason), result_path="$.file.skipped")

    def _set_being_loaded(self) -> sfn.Pass:
        """Copy the file, with the other execution as the reason to skip it."""
        execution, lease_end = (
            sfn.JsonPath.string_at(f"$.known.Item.{name}.S") for name in ("execution", "lease_until")
        )
        file: Payload = {key: sfn.JsonPath.object_at(f"$.file.{key}") for key in FileRef.__annotations__}
        file["skipped"] = sfn.JsonPath.format(
            "already being loaded by {}; its claim expires at {}", execution, lease_end
        )
        return sfn.Pass(self, "BeingLoaded", parameters=file, result_path="$.file")

    def _add_plan_choice(self, validate_schema: tasks.LambdaInvoke) -> sfn.Choice:
        """Chain the states after ValidateSchema: skip, wait for an older version, or convert and write the rows.

        A file without rows goes straight to ReportLoad, or to FindStale if it may replace one with rows.
        """
        wait = sfn.Wait(self, "WaitForOlder", time=sfn.WaitTime.timestamp_path("$.file.not_before"))
        keys = ("event", "execution", "health", "file", "stale")
        report_load = self._call("ReportLoad", self._functions["report_load"], keys=keys, result_path="$.response")
        self._catch(report_load).next(self._make_settle_loaded())
        convert = self._catch(convert_parts(self, self._functions, self._settings))
        write = self._catch(write_chunks(self, self._functions, self._settings))
        find_stale = self._add_find_stale(report_load)
        register, confirm = self._call_register("RegisterLoad"), self._call_register("ConfirmWritten")
        register.next(write)
        chain_confirmation(self, write=write, confirm=confirm, find_stale=find_stale, report=report_load)
        convert.next(self._chain_comparison(register))
        any_rows = sfn.Choice(self, "AnyRows?")
        any_rows.when(_is_skipped(), self._settle_skipped)
        any_rows.when(sfn.Condition.not_(sfn.Condition.string_equals("$.file.not_before", "")), wait)
        any_rows.when(sfn.Condition.number_greater_than("$.file.rows", 0), convert)
        any_rows.when(may_replace(), find_stale)
        wait.next(validate_schema)
        return any_rows.otherwise(report_load)

    def _add_find_stale(self, report_load: tasks.LambdaInvoke) -> tasks.LambdaInvoke:
        """Chain FindStale before ReportLoad, which reports its error, too: the points of the load are stored.

        A search that took too long is not repeated: the load has the claim of its version meanwhile.
        """
        find_stale = invocation(
            self,
            "FindStale",
            self._functions["find_stale"],
            settings=replace(self._settings, transient_attempts=1, killed_attempts=0),
            payload=call_payload("execution", "health", "file"),
            result_path="$.stale",
            throttled_attempts=1,
        )
        find_stale.add_catch(report_load, errors=["States.ALL"], result_path="$.stale")
        find_stale.next(report_load)
        return find_stale

    def _call_register(self, state: str) -> tasks.LambdaInvoke:
        keys = ("execution", "health", "file", "converted")
        call = self._call(state, self._functions["register_load"], keys=keys, result_path="$.converted")
        return self._catch(continue_at_once(call))

    def _chain_comparison(self, register: tasks.LambdaInvoke) -> sfn.Choice:
        keys = ("event", "execution", "file")
        check_series = self._call("CheckSeries", self._functions["report_load"], keys=keys, result_path="$.series")
        return chain_comparison(
            self,
            check_series=self._catch(check_series),
            compare_parts=self._call_register("CompareParts"),
            convert_again=self._catch(convert_again(self, self._functions, self._settings)),
            register=register,
        )

    def _make_settle_loaded(self) -> tasks.DynamoUpdateItem:
        """Settle the claim as loaded. If the ledger cannot be written, the load succeeds, and the response says so."""
        unsettled = sfn.Pass(
            self,
            "Unsettled",
            input_path="$.unsettled",
            result_path="$.response.data.unsettled",
            output_path="$.response",
        )
        settle = self._ledger.settle_loaded()
        settle.add_catch(unsettled, errors=["States.ALL"], result_path="$.unsettled")
        return settle

    def _make_settle_skipped(self) -> tasks.DynamoUpdateItem:
        settle = self._ledger.settle_skipped()
        settle.add_catch(self._report_skip, errors=["States.ALL"], result_path="$.unsettled")
        settle.next(self._report_skip)
        return settle

    def _make_report_failure(self) -> tasks.LambdaInvoke:
        """Chain the states after an error: report, settle, and fail with the reported error and cause.

        If the report fails, the execution fails with the original error and cause. A load that was not pinned has no
        claim to settle.
        """
        report = self._call("ReportFailure", self._functions["report_load"], result_path="$.failure")
        fail = sfn.Fail(self, "FailLoad", error_path="$.failure.error", cause_path="$.failure.cause")
        unreported = self._make_unreported().next(
            self._settle_pinned("UnreportedPinned?", self._ledger.settle_unreported(), fail)
        )
        report.add_catch(unreported, errors=["States.ALL"], result_path="$.unreported")
        report.next(self._settle_pinned("Pinned?", self._ledger.settle_failed(), fail))
        return report

    def _settle_pinned(self, name: str, settle: tasks.DynamoUpdateItem, fail: sfn.Fail) -> sfn.Choice:
        """Settle the claim and fail; without a claim, since the load was not pinned, only fail."""
        settle.add_catch(fail, errors=["States.ALL"], result_path="$.unsettled")
        pinned = sfn.Choice(self, name)
        return pinned.when(sfn.Condition.is_present("$.file"), settle.next(fail)).otherwise(fail)

    def _make_unreported(self) -> sfn.Pass:
        """Use the original error and cause in place of the result of ReportFailure."""
        error, cause = (sfn.JsonPath.string_at(f"$.error.{name}") for name in ("Error", "Cause"))
        failure = {"error": error, "cause": cause, "message": cause, "report": ""}
        return sfn.Pass(self, "Unreported", parameters=failure, result_path="$.failure")

    def _check_health(self) -> tasks.LambdaInvoke:
        function = self._functions["check_health"]
        check_health = invocation(
            self, "CheckHealth", function, settings=self._settings, result_path="$.health", waits_itself=True
        )
        call_later(
            self, check_health, CheckLaterError, name="WaitForHealth", keys=("event", "execution", "file", "stale")
        )
        return check_health

    def _call(
        self, state: str, function: lambda_.IFunction, *, result_path: str | None = None, keys: tuple[str, ...] = ()
    ) -> tasks.LambdaInvoke:
        """Call a function that serves several states, with the whole state or only these keys of it."""
        payload = call_payload(*keys)
        return invocation(self, state, function, settings=self._settings, payload=payload, result_path=result_path)

    def _catch(self, state: CatchableState) -> CatchableState:
        state.add_catch(self._report_failure, errors=["States.ALL"], result_path="$.error")
        return state


def _is_skipped() -> sfn.Condition:
    return sfn.Condition.not_(sfn.Condition.string_equals("$.file.skipped", ""))
