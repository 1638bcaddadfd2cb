"""Follow the executions of the state machine until each has ended."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.errors import DataError
from shared.requested_object import requested_object

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

POLL_S = 0.3


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One execution: `state` is the one it entered last; `answer` is its Response once it has ended."""

    arn: str
    key: str
    status: str
    state: str
    error: str
    answer: dict[str, Any]

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status != "RUNNING"


def follow(
    client: "SFNClient", machine: str, keys: Iterable[str], *, timeout_s: float, seen: Callable[[Execution], None]
) -> dict[str, Execution]:
    """The last execution for each of `keys` once all have ended; `seen` is told of every look at one.

    Raises TimeoutError naming the keys whose execution did not end, or never started.
    """
    waiting, ended = set(keys), dict[str, Execution]()
    deadline = time.monotonic() + timeout_s
    while waiting:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no end within {timeout_s:.0f} s for {', '.join(sorted(waiting))}")
        for execution in _executions(client, machine, waiting):
            seen(execution)
            if execution.ended:
                ended[execution.key] = execution
                waiting.discard(execution.key)
        time.sleep(POLL_S)
    return ended


def describe(client: "SFNClient", arn: str) -> Execution:
    """One execution as it stands."""
    told = client.describe_execution(executionArn=arn)
    status = told["status"]
    answer = told.get("output") if status == "SUCCEEDED" else told.get("cause")
    return Execution(
        arn=arn,
        key=_key_of(told.get("input", "{}")),
        status=status,
        state=_last_state(client, arn) if status == "RUNNING" else "",
        error=told.get("error", ""),
        answer=_parsed(answer),
    )


def _executions(client: "SFNClient", machine: str, keys: set[str]) -> Iterator[Execution]:
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=machine):
        for item in page["executions"]:
            execution = describe(client, item["executionArn"])
            if execution.key in keys:
                yield execution


def _key_of(given: str) -> str:
    try:
        return requested_object(json.loads(given)).key
    except (ValueError, DataError):
        return ""


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
