"""A load whose functions a test calls one by one, so that it can interleave several loads, and let them crash.

Every function is the real handler, in this process; only Step Functions is missing. `StepwiseLoad.run` is a generator
that stops before each call.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from functions.convert_and_chunk.handler import lambda_handler as convert_and_chunk
from functions.register_load.handler import lambda_handler as register_load
from functions.report_load.handler import lambda_handler as report_load
from functions.validate_schema.handler import plan_file
from functions.validate_schema.pin import pin_source
from functions.write_batch.handler import lambda_handler as write_batch
from shared.errors import UnfinishedError
from shared.requested_object import RequestedObject
from shared.source import PinnedObject
from tests.functional.conftest import SOURCE
from tests.support.finished_load import HEALTH, RUN

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


MACHINE = "arn:aws:states:us-east-1:123456789012:execution:loader"
"""The beginning of the executions' ARNs."""


class StepwiseLoad:
    """One execution that loads the newest version of a key.

    Attributes:
        state: the state of the execution.
        data: the data of its response; empty before it has ended well.
        continuations: how often RegisterLoad's function asked to be called again.
        is_hurried: whether the time of an invocation of that function is over after its first comparison.
        repeats: whether each function is called twice, as after a lost reply.
    """

    def __init__(self, s3: "S3Client", context: SimpleNamespace, key: str, execution: str = "run-1") -> None:
        self._context: Any = context
        self.repeats = False
        self.is_hurried = False
        self.continuations = 0
        self.data: dict[str, Any] = {}
        pinned = pin_source(s3, RequestedObject(bucket=SOURCE, key=key), datetime.now(UTC))
        with PinnedObject(s3, pinned) as source:
            plan = plan_file(source, pinned, validate=True, last_modified=pinned["claim"]["last_modified"])
        self.state: dict[str, Any] = {
            "event": {"bucket": SOURCE, "key": key},
            "execution": {"id": f"{MACHINE}:{execution}", "name": execution, "start_time": RUN["started_at"]},
            "health": HEALTH,
            "file": {**pinned, **plan, "ran": {"PinSource": RUN, "ValidateSchema": RUN}},
        }

    def run(self) -> Iterator[str]:
        """Yield the name of the next state before it is entered; one that waits is yielded again."""
        converted = []
        for part in self.state["file"]["parts"]:
            yield "ConvertAndChunk"
            event = {"execution": self._execution, "file": self.state["file"], "part": part}
            converted += self._call(convert_and_chunk, event)["chunks"]
        self.state["converted"] = {"chunks": converted}
        if len(self.state["file"]["parts"]) > 1:
            yield "CompareParts"
            yield from self._compare()
        yield "RegisterLoad"
        yield from self._enter("RegisterLoad")
        while True:
            for chunk in self.state["converted"]["chunks"]:
                yield "WriteBatch"
                self._write(chunk)
            yield "ConfirmWritten"
            yield from self._enter("ConfirmWritten")
            if not (self.state["converted"]["chunks"] or self.state["converted"]["not_before"]):
                break
        yield "ReportLoad"
        self.report()

    def _compare(self) -> Iterator[str]:
        """Compare the parts, and convert those again that have rows that lose their place."""
        yield from self._enter("CompareParts")
        if losing := self.state["converted"]["losing"]:
            again = []
            for part in losing:
                yield "ConvertAgain"
                event = {"execution": self._execution, "file": self.state["file"], "part": part, "losing_rows": True}
                again += self._call(convert_and_chunk, event)["chunks"]
            self.state["converted"]["again"] = {"chunks": again}

    def report(self) -> None:
        """End the execution well."""
        self.data = self._call(report_load, {"state": "ReportLoad", "input": self.state})["data"]

    def register(self) -> Any:
        """Call RegisterLoad without entering the next state."""
        return self.call_register("RegisterLoad")

    def confirm(self) -> Any:
        """Call ConfirmWritten without entering the next state."""
        return self.call_register("ConfirmWritten")

    def call_register(self, state: str) -> Any:
        """Call RegisterLoad's function from this state, as often as it asks for it."""
        try:
            return self._call_register_once(state)
        except UnfinishedError:
            self.continuations += 1
            return self.call_register(state)

    def fail(self, error: str = "InfluxUnavailableError") -> dict[str, Any]:
        """End the execution with an error, as after any state, and return what ReportFailure returns."""
        self.state["error"] = {"Error": error, "Cause": "no answer"}
        return dict(self._call(report_load, {"state": "ReportFailure", "input": self.state}))

    def _enter(self, state: str) -> Iterator[str]:
        """Do the same as a state of the execution, and yield its name again before each further call."""
        try:
            self.state["converted"] = self._call_register_once(state)
        except UnfinishedError:
            self.continuations += 1
            yield state
            yield from self._enter(state)

    def _call_register_once(self, state: str) -> Any:
        context = self._context
        if self.is_hurried:
            self._context = SimpleNamespace(**vars(context) | {"get_remaining_time_in_millis": lambda: 0})
        try:
            return self._call(register_load, {"state": state, "input": self.state})
        finally:
            self._context = context

    @property
    def _execution(self) -> str:
        return str(self.state["execution"]["name"])

    def _write(self, chunk: dict[str, Any]) -> None:
        about = {name: self.state["file"][name] for name in ("load_id", "bucket", "key", "dataset")}
        about["lease_until"] = self.state["file"]["claim"]["lease_until"]
        ref = {**chunk, **about, "execution": self._execution, "next_batch": 0, "waits": 0}
        assert self._call(write_batch, ref)["written"]

    def _call(self, handler: Any, event: Any) -> Any:
        for _ in range(self.repeats):
            handler(event, self._context)
        return handler(event, self._context)
