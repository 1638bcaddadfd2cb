"""Sweeps on the deployed app, one after the other, while something else happens; and what they must not do meanwhile.

`running(sweeps(…))` runs them in a thread. They look only at one prefix, and also list the bucket, so they find a new
file as soon as it is there: often before the execution that the file's event starts has claimed it. They load a failed
file again only after `age_failures` or `wait_until_healed` has let its failure be long ago.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from threading import Event, Thread
from typing import NamedTuple

import pytest
from botocore.exceptions import ClientError

from cli.deployed.executions import Execution
from shared.healing import next_try_at
from tests.support.deployed_app import DeployedApp
from tests.support.ledger import Item, ledger_items, ledger_table

LONG_AGO = "2024-01-01T00:00:00Z"
NO_SERVER = "http://127.0.0.1:9"
BETWEEN_S = 0.5
HEALED_S = 120

MODES = ["alone", "sweeps"]
"""The names of the two ways to run a test with faults."""

QUICK_WITH_SWEEPS = pytest.mark.parametrize("with_sweeps", [False, True], ids=MODES, indirect=True)
"""The mark of a test of which both ways are quick. Of all others, the second one is slow."""


def start_sweep(app: DeployedApp, prefix: str) -> str:
    """Start a sweep as the schedule does, which also lists the bucket, and return the ARN of its execution."""
    event = {"sweep": True, "list_bucket": True, "bucket": app.source_bucket, "prefix": prefix}
    event |= {"tolerated_failure_percentage": 100}
    sfn = app.cloud.client("stepfunctions")
    return str(sfn.start_execution(stateMachineArn=app.outputs["BackfillArn"], input=json.dumps(event))["executionArn"])


def change_item(app: DeployedApp, key: str, **attributes: str) -> None:
    """Change attributes of the only item of an object: the time of its last change, or the end of its lease."""
    (item,) = ledger_items(app, key)
    ledger_table(app).put_item(Item={**item, **attributes})


def abandon(app: DeployedApp, key: str) -> None:
    """Kill the execution that loads an object once it has the claim, while it waits for InfluxDB, and end the lease."""
    with app.configured("check_health", INFLUXDB_URL=NO_SERVER):
        arn = app.start({"bucket": app.source_bucket, "key": key})
        while not ledger_items(app, key):
            time.sleep(0.02)
        app.cloud.client("stepfunctions").stop_execution(executionArn=arn)
    assert ledger_items(app, key)[0]["status"] == "claimed"
    change_item(app, key, lease_until=LONG_AGO)


@contextmanager
def running(task: Callable[[Event], None]) -> Iterator[Event]:
    """Run a task in a thread meanwhile, until it ends or the event is set. Raise its error."""
    stop, errors = Event(), list[Exception]()

    def run() -> None:
        try:
            task(stop)
        except Exception as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
    if errors:
        raise errors[0]


def sweeps(app: DeployedApp, prefix: str, afterwards: Callable[[], object]) -> Callable[[Event], None]:
    """Return the task that runs sweeps, one after the other, and calls `afterwards` after each of them."""

    def sweep(stop: Event) -> None:
        while not stop.wait(BETWEEN_S):
            ended = app.wait_for_end(start_sweep(app, prefix), within_s=300)
            assert ended.status == "SUCCEEDED", ended
            afterwards()

    return sweep


def age_failures(app: DeployedApp, prefix: str) -> None:
    """Let all failures be long ago, unless the version is claimed meanwhile."""
    for item in ledger_items(app, prefix):
        if item["status"] == "failed":
            _age(app, item)


def _age(app: DeployedApp, item: Item) -> None:
    with suppress(ClientError):
        ledger_table(app).update_item(
            Key={name: item[name] for name in ("object", "version")},
            UpdateExpression="SET changed_at = :long_ago",
            ConditionExpression="#status = :failed AND execution = :execution",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":long_ago": LONG_AGO,
                ":failed": "failed",
                ":execution": item["execution"],
            },
        )


def wait_until_healed(app: DeployedApp, key: str) -> Execution | None:
    """Wait until a sweep has loaded a file that failed. Return its execution; None if the file needs a person."""
    deadline, (item,) = time.monotonic() + HEALED_S, ledger_items(app, key)
    if next_try_at(item) is None:  # type: ignore[arg-type]
        return None
    _age(app, item)
    while (item := ledger_items(app, key)[0])["status"] != "loaded":
        assert time.monotonic() < deadline, item
        time.sleep(0.2)
    return app.wait_for_end(item["execution"])


class Load(NamedTuple):
    """An execution that claimed a version of a file: when, and when it ended."""

    key: str
    version: str
    claimed_at: datetime
    ended_at: datetime
    status: str


def claimed_loads(app: DeployedApp, prefix: str) -> list[Load]:
    """Return the executions that claimed files under a prefix, in the order of their claims.

    Those that have not ended, and those that a person forced, are left out.
    """
    sfn = app.cloud.client("stepfunctions")
    pages = sfn.get_paginator("list_executions").paginate(stateMachineArn=app.outputs["StateMachineArn"])
    executions = (execution for page in pages for execution in page["executions"] if "stopDate" in execution)
    loads = (_claimed_load(app, execution["executionArn"], execution["stopDate"], prefix) for execution in executions)
    return sorted((load for load in loads if load), key=lambda load: load.claimed_at)


def _claimed_load(app: DeployedApp, arn: str, ended_at: datetime, prefix: str) -> Load | None:
    """Return the load of an execution under the prefix if it claimed its version: then it has entered CheckHealth."""
    execution = app.describe(arn)
    if not execution.key.startswith(prefix):
        return None
    for event in app.history(execution):
        entered = event.get("stateEnteredEventDetails", {})
        if entered.get("name") == "CheckHealth":
            state = json.loads(entered["input"])
            claim = state["file"]["claim"]
            by_person = claim["force"] and "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID" not in state["event"]
            load = Load(execution.key, claim["version"], event["timestamp"], ended_at, execution.status)
            return None if by_person else load
    return None


def check_one_at_a_time(loads: Sequence[Load]) -> None:
    """Check that no version of a file was loaded twice at once, nor again after it was loaded."""
    last = dict[tuple[str, str], Load]()
    for load in loads:
        if before := last.get((load.key, load.version)):
            assert before.ended_at <= load.claimed_at, (before, load)
            assert before.status != "SUCCEEDED", (before, load)
        last[load.key, load.version] = load
