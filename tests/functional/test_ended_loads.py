"""Loads that go on although others count them as ended, as after a redrive: they write nothing, and fail."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from functions.register_load.progress import Progress
from functions.register_load.revised_load import RevisedLoad
from shared.aws_clients import dynamodb_resource, step_functions_client
from shared.errors import LoadEndedError, heals_alone, needs_person
from shared.registrations import WRITE_SECONDS, Registrations
from tests.functional.conftest import LEDGER
from tests.functional.test_waiting_for_older import start_execution
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish, hours, key_of, put, stored
from tests.support.stepwise_load import MACHINE, StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OLD, NEW = hours("SE", 0, 10, 1.0), hours("SE", 0, 10, 2.0)
JANUARY_HOURS = 744


@pytest.fixture
def older(s3: "S3Client", context: SimpleNamespace, server: StoringInflux) -> StepwiseLoad:
    """A load of which Step Functions knows the execution."""
    put(s3, key_of(0, 1), OLD)
    start_execution("older")
    return StepwiseLoad(s3, context, key_of(0, 1), "older")


@pytest.fixture
def steps(older: StepwiseLoad) -> Iterator[str]:
    """The steps of the older load, which is about to write."""
    rest = older.run()
    assert next(step for step in rest if step == "WriteBatch")
    return rest


def waiting_load(s3: "S3Client", context: SimpleNamespace) -> StepwiseLoad:
    """Return a newer load that is written, and waits for the older one."""
    put(s3, key_of(0, 2), NEW)
    load = StepwiseLoad(s3, context, key_of(0, 2), "newer")
    steps = load.run()
    assert [next(steps) for _ in range(5)][-1] == "ConfirmWritten"
    assert load.state["converted"]["not_before"]
    return load


def confirm(s3: "S3Client", load: StepwiseLoad, after: timedelta) -> Any:
    """Return the result of ConfirmWritten at a time after the load's claim."""
    state: Any = load.state
    now = datetime.fromisoformat(state["file"]["claim"]["now"]) + after
    progress = Progress(s3, state["file"]["load_id"], state["execution"]["name"])
    return RevisedLoad(s3, Registrations(dynamodb_resource().Table(LEDGER)), state, now, progress).confirm()


LONG = timedelta(minutes=3, seconds=WRITE_SECONDS)


def test_an_execution_that_is_redriven_after_another_load_counted_it_as_ended_sends_nothing(
    s3: "S3Client", context: SimpleNamespace, steps: Iterator[str], server: StoringInflux
) -> None:
    newer = waiting_load(s3, context)
    boto3.client("stepfunctions").stop_execution(executionArn=f"{MACHINE}:older")
    assert confirm(s3, newer, LONG)["chunks"]
    with pytest.raises(LoadEndedError, match="0000-0000 is not sent any more"):
        next(steps)
    assert stored(server) == NEW


def test_an_execution_that_is_redriven_while_another_load_looks_at_it_is_waited_for(
    s3: "S3Client", context: SimpleNamespace, steps: Iterator[str]
) -> None:
    newer, looks = waiting_load(s3, context), list[str]()
    boto3.client("stepfunctions").stop_execution(executionArn=f"{MACHINE}:older")

    def redrive(**_: Any) -> Any:  # moto cannot
        looks.append("look")
        running = AWSResponse("", 200, HTTPHeaders(), None), {"status": "RUNNING"}
        return running if len(looks) > 1 else None

    step_functions_client().meta.events.register("before-call.sfn.DescribeExecution", redrive)
    assert confirm(s3, newer, LONG)["not_before"]
    assert len(looks) == 2


def end_lease(load: StepwiseLoad) -> None:
    load.state["file"]["claim"]["lease_until"] = datetime.now(UTC).isoformat(timespec="seconds")


def test_after_its_lease_a_load_does_not_write(
    older: StepwiseLoad, steps: Iterator[str], server: StoringInflux
) -> None:
    end_lease(older)
    with pytest.raises(LoadEndedError, match="0000-0000 is not sent any more"):
        next(steps)
    assert stored(server) == {}


def test_after_its_lease_a_load_does_not_register(older: StepwiseLoad) -> None:
    end_lease(older)
    with pytest.raises(LoadEndedError, match="the execution was redriven"):
        finish(older)


@pytest.mark.parametrize("change", ["has ended", "is deleted"])
def test_a_load_whose_registration_is_over_is_not_confirmed(
    older: StepwiseLoad, steps: Iterator[str], change: str
) -> None:
    assert next(steps) == "ConfirmWritten"
    table = dynamodb_resource().Table(LEDGER)
    [item] = table.scan()["Items"]
    if change == "is deleted":
        table.delete_item(Key={name: item[name] for name in ("object", "version")})
    else:
        Registrations(table).end(item["object"], item["version"], datetime.now(UTC))  # type: ignore[arg-type]
    with pytest.raises(LoadEndedError, match="Load the file again"):
        next(steps)
    older.fail("LoadEndedError")


def test_the_error_heals_alone() -> None:
    assert heals_alone("LoadEndedError")
    assert not needs_person("LoadEndedError")


def test_a_repeated_confirmation_completes_the_end_of_the_one_that_broke_off_and_writes_nothing_again(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    registrations, table = Registrations(dynamodb_resource().Table(LEDGER)), dynamodb_resource().Table(LEDGER)
    both_months = hours("SE", JANUARY_HOURS - 5, 10, 2.0)
    put(s3, key_of(0, 2), both_months)
    newer = StepwiseLoad(s3, context, key_of(0, 2), "newer")
    assert next(step for step in newer.run() if step == "ConfirmWritten")
    newer.confirm()
    _, february = sorted(table.scan()["Items"], key=lambda item: str(item["object"]))
    not_ended = {**february, "active_until": newer.state["file"]["claim"]["lease_until"]}
    del not_ended["confirmed"]
    table.put_item(Item=not_ended)  # the first call broke off after January
    put(s3, key_of(0, 1), OLD | hours("SE", JANUARY_HOURS, 5, 1.0))
    older = StepwiseLoad(s3, context, key_of(0, 1), "older")
    assert next(step for step in older.run() if step == "WriteBatch")
    for item in registrations.read(str(february["object"])):
        registrations.set_left_out(item, [])  # there were too many names to record this one
    result = newer.confirm()
    assert (result["chunks"], result["not_before"]) == ([], "")
    [ended] = [item for item in registrations.read(str(february["object"])) if item["execution"] == "newer"]
    assert ended["confirmed"]
    assert ended["active_until"] < not_ended["active_until"]


def test_a_load_that_ends_well_sets_the_end_of_its_registrations_once(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    put(s3, key_of(0, 1), OLD)
    finish(StepwiseLoad(s3, context, key_of(0, 1), "alone"))
    [item] = dynamodb_resource().Table(LEDGER).scan()["Items"]
    assert item["confirmed"]
    assert stored(server) == OLD
