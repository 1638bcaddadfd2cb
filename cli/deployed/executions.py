"""The executions of both state machines: start them, find them, describe them, and wait until they end.

`describe` reads one execution. `wait_for_end` polls one whose ARN is known, `wait_for_all` the ones that uploads
started, and `wait_for_start` finds the one that an upload started. `count_children` reads the progress of a backfill.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from botocore.exceptions import ClientError

from cli.deployed.states import describe_state
from shared.errors import DataError
from shared.requested_object import RequestedObject, requested_object
from shared.responses import BackfillData, LoadData

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

POLL_S = 0.3
ABSENT = ("ExecutionDoesNotExist", "InvalidArn")
"""The error codes of Step Functions for an execution that does not exist."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of this machine may be ahead of AWS's."""

Observer = Callable[["Execution"], object]
"""A function that is called with each description of an execution, for example to show progress."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One execution: `key` is the object that it loads, `state` the state that it entered last ("" once it has ended).

    If that is a wait for InfluxDB, `state` also says why, since when, and until when.
    `response` is its output, or the cause of its failure; {} while it is running.
    """

    arn: str
    key: str
    status: str
    state: str
    error: str
    response: dict[str, Any]

    @property
    def ended(self) -> bool:
        """True once the execution has succeeded, failed, timed out or been stopped."""
        return self.status != "RUNNING"

    @property
    def message(self) -> str:
        """The message of the response; "" while the execution is running."""
        return str(self.response.get("message", ""))

    @property
    def load_data(self) -> LoadData | None:
        """The data of a load's response; None if it is running, or if no function of the loader wrote its cause."""
        return cast("LoadData | None", self.response.get("data"))

    @property
    def backfill_data(self) -> BackfillData | None:
        """The data of a backfill's response; None in the same cases."""
        return cast("BackfillData | None", self.response.get("data"))


def execution_arn(machine: str, name: str) -> str:
    """Return the ARN of the state machine's execution with this name."""
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def start_execution(client: "SFNClient", machine: str, event: Mapping[str, Any]) -> str:
    """Start an execution with `event` as its input, and return its ARN."""
    return client.start_execution(stateMachineArn=machine, input=json.dumps(event))["executionArn"]


def describe(client: "SFNClient", arn: str) -> Execution:
    """Return the current description of one execution."""
    description = client.describe_execution(executionArn=arn)
    status = description["status"]
    text = description.get("output") if status == "SUCCEEDED" else description.get("cause")
    return Execution(
        arn=arn,
        key=_requested(description.get("input", "{}")).key,
        status=status,
        state=describe_state(client, arn) if status == "RUNNING" else "",
        error=description.get("error", ""),
        response=_parse_response(text),
    )


def find_execution(client: "SFNClient", machine: str, name: str) -> Execution | None:
    """Return the execution of a state machine with this name or ARN; None if there is none."""
    try:
        return describe(client, execution_arn(machine, name.rpartition(":")[2]))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return None


def wait_for_end(
    client: "SFNClient", arn: str, *, timeout_s: float, observe: Observer, every_s: float = POLL_S
) -> Execution:
    """Return an execution once it has ended. Raises TimeoutError after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (execution := describe(client, arn)).ended:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{arn} did not end within {timeout_s:.0f} s; it is still running")
        observe(execution)
        time.sleep(every_s)
    return execution


def wait_for_all(
    client: "SFNClient", machine: str, keys: Iterable[str], *, timeout_s: float, observe: Observer
) -> dict[str, Execution]:
    """Return the last execution for each of `keys`, which were uploaded just now, once all have ended.

    Raises:
        TimeoutError: An execution did not start or end within `timeout_s`. The message names the keys.
    """
    waiting, ended, since = set(keys), dict[str, Execution](), datetime.now(UTC) - CLOCK_SKEW
    deadline = time.monotonic() + timeout_s
    unrelated: set[str] = set()
    while waiting:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not loaded within {timeout_s:.0f} s: {', '.join(sorted(waiting))}")
        for execution in _newest_executions(client, machine, since, waiting, unrelated):
            observe(execution)
            if execution.ended:
                ended[execution.key] = execution
                waiting.discard(execution.key)
        time.sleep(POLL_S)
    return ended


def wait_for_start(client: "SFNClient", machine: str, key: str, version_id: str, *, timeout_s: float) -> str:
    """Return the ARN of the execution that the upload of this version started. Raises TimeoutError."""
    since = datetime.now(UTC) - CLOCK_SKEW
    deadline = time.monotonic() + timeout_s
    unrelated: set[str] = set()
    while time.monotonic() < deadline:
        for arn in _started_since(client, machine, since):
            if arn in unrelated:
                continue
            requested = _requested(client.describe_execution(executionArn=arn).get("input", "{}"))
            if (requested.key, requested.version_id) == (key, version_id):
                return arn
            unrelated.add(arn)
        time.sleep(POLL_S)
    raise TimeoutError(
        f"no execution started for {key} within {timeout_s:.0f} s: check that the source bucket sends its events to "
        "EventBridge and that the stack's rule is enabled"
    )


def _started_since(client: "SFNClient", machine: str, since: datetime) -> Iterator[str]:
    # Step Functions lists the newest executions first, so the first older one ends the list.
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    listed = (item for page in pages for item in page["executions"])
    return (item["executionArn"] for item in takewhile(lambda item: item["startDate"] >= since, listed))


def _newest_executions(
    client: "SFNClient", machine: str, since: datetime, keys: set[str], unrelated: set[str]
) -> Iterator[Execution]:
    """Yield the newest execution of each key.

    An execution's input never changes, so those of other keys are added to `unrelated` and described only once:
    among thousands of executions, a look costs a request for each key.
    """
    missing = set(keys)
    for arn in _started_since(client, machine, since):
        if arn in unrelated or not missing:
            continue
        execution = describe(client, arn)
        if execution.key not in keys:
            unrelated.add(arn)
        elif execution.key in missing:
            missing.discard(execution.key)
            yield execution


def _requested(event: str) -> RequestedObject:
    """Return the object that an execution's input names; an empty one if the input cannot be read."""
    try:
        return requested_object(json.loads(event))
    except (ValueError, DataError):
        return RequestedObject()


def _parse_response(text: str | None) -> dict[str, Any]:
    """Return the response in an output or cause. A cause that is not ours, such as Lambda's, becomes its message."""
    try:
        response = json.loads(text or "{}")
    except ValueError:
        response = text
    return response if isinstance(response, dict) else {"message": str(response)}


class Counts(NamedTuple):
    """The child executions of a backfill, one per object. `total` grows while Step Functions lists the objects."""

    total: int
    running: int
    succeeded: int
    failed: int

    @property
    def done(self) -> int:
        """The number of children that have ended."""
        return self.succeeded + self.failed


def count_children(client: "SFNClient", arn: str) -> Counts | None:
    """Count the child executions of a backfill; None before its Map state has started."""
    runs = [run["mapRunArn"] for run in client.list_map_runs(executionArn=arn)["mapRuns"]]
    if not runs:
        return None
    each = [client.describe_map_run(mapRunArn=run)["itemCounts"] for run in runs]
    failed = sum(counts["failed"] + counts["timedOut"] + counts["aborted"] for counts in each)
    total, running, succeeded = (sum(counts[name] for counts in each) for name in ("total", "running", "succeeded"))
    return Counts(total, running, succeeded, failed)
