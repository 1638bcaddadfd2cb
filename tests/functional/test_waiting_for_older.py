"""A newer load waits for older ones that still write, but not for one that was stopped, and not for ever."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from functions.register_load.progress import Progress
from functions.register_load.revised_load import PATIENCE, RevisedLoad
from shared.aws_clients import dynamodb_resource, step_functions_client
from shared.errors import OlderLoadRunningError, heals_alone, needs_person
from shared.registrations import MAX_LEFT_OUT, WRITE_SECONDS, Registrations, month_name
from shared.work_bucket import get_json
from tests.functional.conftest import LEDGER, WORK
from tests.support.aws_events import handling
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish, hours, key_of, newest, put, stored
from tests.support.stepwise_load import MACHINE, StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OLD, NEW = hours("SE", 0, 10, 1.0), hours("SE", 5, 10, 2.0)
Confirm = Callable[[timedelta], Any]


@pytest.fixture
def older(s3: "S3Client", context: SimpleNamespace, server: StoringInflux) -> StepwiseLoad:
    """An older load that has begun to write."""
    put(s3, key_of(0, 1), OLD)
    load = StepwiseLoad(s3, context, key_of(0, 1), "older")
    assert next(step for step in load.run() if step == "ConfirmWritten")
    return load


@pytest.fixture
def newer(s3: "S3Client", context: SimpleNamespace, older: StepwiseLoad) -> StepwiseLoad:
    """A newer load that has marked itself as written, and waits."""
    put(s3, key_of(0, 2), NEW)
    load = StepwiseLoad(s3, context, key_of(0, 2), "newer")
    steps = load.run()
    assert [next(steps) for _ in range(5)][-1] == "ConfirmWritten"
    assert load.state["converted"]["not_before"]
    return load


@pytest.fixture
def confirm(s3: "S3Client", newer: StepwiseLoad) -> Confirm:
    """ConfirmWritten of the newer load, at a time after its claim."""

    def call(after: timedelta) -> Any:
        state: Any = newer.state
        now = datetime.fromisoformat(state["file"]["claim"]["now"]) + after
        progress = Progress(s3, state["file"]["load_id"], state["execution"]["name"])
        return RevisedLoad(s3, Registrations(dynamodb_resource().Table(LEDGER)), state, now, progress).confirm()

    return call


def start_execution(name: str) -> None:
    """Start an execution that Step Functions knows; the load itself is run by the test."""
    client = boto3.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/loader"
    machine = MACHINE.rpartition(":")[2]
    definition = '{"StartAt": "Load", "States": {"Load": {"Type": "Succeed"}}}'
    arn = client.create_state_machine(name=machine, definition=definition, roleArn=role)["stateMachineArn"]
    client.start_execution(stateMachineArn=arn, name=name)


def test_a_load_does_not_wait_for_an_execution_that_was_stopped(confirm: Confirm) -> None:
    start_execution("older")
    assert confirm(timedelta(minutes=2))["not_before"]
    boto3.client("stepfunctions").stop_execution(executionArn=f"{MACHINE}:older")
    assert confirm(timedelta(minutes=2))["not_before"]  # an invocation of WriteBatch may still be running
    assert confirm(timedelta(minutes=3, seconds=WRITE_SECONDS))["chunks"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied"])
def test_a_load_waits_on_while_it_may_not_look_at_executions(confirm: Confirm, code: str) -> None:
    start_execution("older")
    boto3.client("stepfunctions").stop_execution(executionArn=f"{MACHINE}:older")

    def deny(**_: Any) -> Any:  # moto denies nothing
        return AWSResponse("", 400, HTTPHeaders(), None), {"Error": {"Code": code}}

    with handling(step_functions_client().meta.events, "before-call.sfn.DescribeExecution", deny):
        assert confirm(timedelta(minutes=3, seconds=WRITE_SECONDS))["not_before"]
    assert confirm(timedelta(minutes=3, seconds=WRITE_SECONDS))["chunks"]


def test_a_load_gives_up_its_wait_long_before_its_time_limit_and_its_next_try_takes_it_up(
    s3: "S3Client", context: SimpleNamespace, older: StepwiseLoad, newer: StepwiseLoad, confirm: Confirm
) -> None:
    claim = newer.state["file"]["claim"]
    lease = datetime.fromisoformat(claim["lease_until"]) - datetime.fromisoformat(claim["now"])
    assert confirm(PATIENCE * lease - timedelta(seconds=1))["not_before"]
    with pytest.raises(OlderLoadRunningError, match=r"0\.parquet .* execution older: wait for its end"):
        confirm(PATIENCE * lease)
    newer.fail("OlderLoadRunningError")
    again = StepwiseLoad(s3, context, key_of(0, 2), "again").run()
    assert [next(again) for _ in range(5)][-1] == "ConfirmWritten"
    older.fail()
    list(again)


def test_the_error_of_a_load_that_gives_up_heals_alone() -> None:
    assert heals_alone("OlderLoadRunningError")
    assert not needs_person("OlderLoadRunningError")


def test_registrations_that_no_load_needs_any_more_expire(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    put(s3, key_of(0, 1), OLD)
    for name in ("first", "failed"):
        load = StepwiseLoad(s3, context, key_of(0, 1), name)
        if name == "failed":
            assert next(step for step in load.run() if step == "WriteBatch")
            load.fail()
        else:
            finish(load)
    put(s3, key_of(1, 1), hours("N", 0, 10, 1.0))
    finish(StepwiseLoad(s3, context, key_of(1, 1), "other"))
    put(s3, key_of(0, 1), NEW)
    replacing = StepwiseLoad(s3, context, key_of(0, 1), "replacing")
    replacing.state["file"]["claim"]["last_modified"] += 1  # S3 counts seconds
    finish(replacing)
    items = dynamodb_resource().Table(LEDGER).scan()["Items"]
    assert {item["execution"]: "expires_at" in item for item in items} == {
        "first": True,
        "failed": True,
        "other": False,
        "replacing": False,
    }
    assert stored(server) == newest([OLD, hours("N", 0, 10, 1.0), NEW])


@pytest.mark.parametrize("names", ["in an object", "in the state"])
def test_a_load_writes_again_once_after_the_end_of_an_older_one(
    s3: "S3Client", older: StepwiseLoad, newer: StepwiseLoad, names: str
) -> None:
    """An earlier release kept the names of the older loads in the state, which has a limit of 256 KiB."""
    older.fail()
    newer.repeats = True
    confirmed = newer.confirm()
    assert (confirmed["outlasted"], [chunk["chunk"] for chunk in confirmed["chunks"]]) == (1, ["0000-0000-again-1"])
    objects = s3.list_objects_v2(Bucket=WORK)["Contents"]
    [names_key] = [each["Key"] for each in objects if each["Key"].endswith("outlasted-1.json")]
    if names == "in the state":
        confirmed["outlasted"] = get_json(s3, names_key)["names"]
        s3.delete_object(Bucket=WORK, Key=names_key)
    newer.state["converted"] = confirmed
    assert newer.confirm()["chunks"] == []


def test_a_registration_that_leaves_out_the_points_of_very_many_loads_fits_into_its_item(
    older: StepwiseLoad,
) -> None:
    registrations = Registrations(dynamodb_resource().Table(LEDGER))
    month = month_name("ons", "generation_data", "2024-01")
    [item] = registrations.read(month)
    registrations.set_left_out(item, [f"{number:016}/{'x' * 80}" for number in range(5000)])
    [item] = registrations.read(month)
    assert (len(item["left_out"]), len(json.dumps(item["left_out"])) < 350_000) == (MAX_LEFT_OUT, True)
