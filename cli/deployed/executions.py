"""Follow the executions of the state machine until each has ended."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.errors import DataError
from shared.requested_object import RequestedObject, requested_object

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

POLL_S = 0.3
ABSENT = ("ExecutionDoesNotExist", "InvalidArn")
"""What Step Functions calls an execution that it does not know."""
CLOCK_SKEW = timedelta(minutes=5)
"""Between this machine's clock and AWS's."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One execution: `state` is the one it entered last; `answer` is its Response once it has ended."""

    arn: str
    key: str
    status: str
    state: str
    error: str
    response: dict[str, Any]

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status != "RUNNING"


def wait_for_all(
    client: "SFNClient", machine: str, keys: Iterable[str], *, timeout_s: float, observe: Callable[[Execution], None]
) -> dict[str, Execution]:
    """The last execution for each of `keys`, put just now, once all have ended; `observe` is told of every look at one.

    Raises TimeoutError naming the keys whose execution did not end, or never started.
    """
    waiting, ended, since = set(keys), dict[str, Execution](), datetime.now(UTC) - CLOCK_SKEW
    deadline = time.monotonic() + timeout_s
    while waiting:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no end within {timeout_s:.0f} s for {', '.join(sorted(waiting))}")
        for execution in _executions(client, machine, since, waiting):
            observe(execution)
            if execution.ended:
                ended[execution.key] = execution
                waiting.discard(execution.key)
        time.sleep(POLL_S)
    return ended


def execution_arn(machine: str, name: str) -> str:
    """Of the execution that is called so."""
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def wait_for_end(
    client: "SFNClient", arn: str, *, timeout_s: float, observe: Callable[[Execution], None], every_s: float = POLL_S
) -> Execution:
    """The end of one execution; `observe` is told of every look at it. Raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while not (execution := describe(client, arn)).ended:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{arn} has not ended within {timeout_s:.0f} s; it goes on")
        observe(execution)
        time.sleep(every_s)
    return execution


def wait_for_start(client: "SFNClient", machine: str, key: str, version_id: str, *, timeout_s: float) -> str:
    """The ARN of the execution that the bucket's event about this version started. Raises TimeoutError."""
    since = datetime.now(UTC) - CLOCK_SKEW
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for arn in _started_since(client, machine, since):
            requested = _requested(client.describe_execution(executionArn=arn).get("input", "{}"))
            if (requested.key, requested.version_id) == (key, version_id):
                return arn
        time.sleep(POLL_S)
    raise TimeoutError(f"no execution began within {timeout_s:.0f} s for {key}: does the bucket's rule still stand?")


def _started_since(client: "SFNClient", machine: str, since: datetime) -> Iterator[str]:
    """Newest first, as Step Functions lists them."""
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    listed = (item for page in pages for item in page["executions"])
    return (item["executionArn"] for item in takewhile(lambda item: item["startDate"] >= since, listed))


def describe(client: "SFNClient", arn: str) -> Execution:
    """One execution as it stands."""
    told = client.describe_execution(executionArn=arn)
    status = told["status"]
    text = told.get("output") if status == "SUCCEEDED" else told.get("cause")
    return Execution(
        arn=arn,
        key=_requested(told.get("input", "{}")).key,
        status=status,
        state=_last_state(client, arn) if status == "RUNNING" else "",
        error=told.get("error", ""),
        response=_parsed(text),
    )


def _executions(client: "SFNClient", machine: str, since: datetime, keys: set[str]) -> Iterator[Execution]:
    for arn in _started_since(client, machine, since):
        execution = describe(client, arn)
        if execution.key in keys:
            yield execution


def _requested(given: str) -> RequestedObject:
    try:
        return requested_object(json.loads(given))
    except (ValueError, DataError):
        return RequestedObject()


def _parsed(answer: str | None) -> dict[str, Any]:
    """A Response; what is none is kept as its message."""
    try:
        parsed = json.loads(answer or "{}")
    except ValueError:
        parsed = answer
    return parsed if isinstance(parsed, dict) else {"message": str(parsed)}


def _last_state(client: "SFNClient", arn: str) -> str:
    history = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=20)
    entered = (event.get("stateEnteredEventDetails", {}).get("name", "") for event in history["events"])
    return next(filter(None, entered), "")


class Counts(NamedTuple):
    """Children of the Map, one an object; `total` grows while objects are listed."""

    total: int
    running: int
    succeeded: int
    failed: int

    @property
    def done(self) -> int:
        """Whatever became of them."""
        return self.succeeded + self.failed


def counts_of(client: "SFNClient", arn: str) -> Counts | None:
    """Of the Map of a backfill; None before it has begun."""
    runs = client.list_map_runs(executionArn=arn)["mapRuns"]
    if not runs:
        return None
    counts = client.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
    failed = counts["failed"] + counts["timedOut"] + counts["aborted"]
    return Counts(counts["total"], counts["running"], counts["succeeded"], failed)
