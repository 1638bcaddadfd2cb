"""A dataset without revisions: the report of a load names the other files that have values for its points."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from shared.errors import RefusedPointsError
from shared.ledger import ledger as ledger_table
from shared.registrations import Registrations, month_name
from shared.work_bucket import footprint_prefix
from tests.functional.conftest import SOURCE, WORK
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import File, finish, hours, put
from tests.support.scripted_influx import ScriptedInflux
from tests.support.slots import declare
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

KEYS = [f"dataset=generation/{name}.parquet" for name in "abc"]
ACCIDENT = (
    f"s3://{SOURCE}/{KEYS[0]} has values for points of this file, and the dataset declares no revision: the values "
    "that were written last stand, by accident. `loader overlaps` lists the pairs of files"
)


@pytest.fixture(autouse=True)
def server(influx: ScriptedInflux, ledger: "Table", monkeypatch: pytest.MonkeyPatch) -> "Table":
    declare(monkeypatch, revision=None)
    influx.fallback = StoringInflux()
    return ledger


@pytest.fixture
def loads(s3: "S3Client", context: SimpleNamespace) -> list[StepwiseLoad]:
    """The first two files have points in common, the third one has other points of their series and at their times."""
    others = hours("N", 0, 20, 3.0) | hours("SE", 20, 1, 3.0)
    files: list[File] = [hours("SE", 0, 10, 1.0), hours("SE", 5, 10, 2.0), others]
    for key, file in zip(KEYS, files, strict=True):
        put(s3, key, file)
    return [StepwiseLoad(s3, context, key) for key in KEYS]


def warnings(s3: "S3Client", load: StepwiseLoad) -> list[str]:
    """Return the warnings of the report. The page has them too."""
    report = json.loads(s3.get_object(Bucket=WORK, Key=load.data["report"])["Body"].read())
    page_key = load.data["report_page"].removeprefix(f"s3://{WORK}/")
    page = s3.get_object(Bucket=WORK, Key=page_key)["Body"].read().decode()
    messages: list[str] = report["plausibility"]["warnings"]
    assert page.count("Warning:") == len(messages)
    return messages


def test_the_second_load_warns_of_the_first(s3: "S3Client", loads: list[StepwiseLoad]) -> None:
    finish(*loads)
    assert [warnings(s3, load) for load in loads] == [[], [ACCIDENT], []]


def test_of_two_loads_at_the_same_time_at_least_one_warns(s3: "S3Client", loads: list[StepwiseLoad]) -> None:
    steps = loads[0].run()
    assert next(step for step in steps if step == "WriteBatch")
    finish(loads[1])
    list(steps)
    assert [len(warnings(s3, load)) for load in loads[:2]] == [1, 0]


def test_a_file_that_is_loaded_again_does_not_warn_of_itself(
    s3: "S3Client", context: SimpleNamespace, loads: list[StepwiseLoad]
) -> None:
    again = StepwiseLoad(s3, context, KEYS[0], "run-2")
    finish(loads[0], again)
    assert warnings(s3, again) == []
    month = Registrations(ledger_table()).read(month_name("ons", "generation_data", "2024-01"))
    assert [("expires_at" in each, each["execution"]) for each in month] == [(True, "run-1"), (False, "run-2")]


def test_files_that_cannot_be_compared_are_named(s3: "S3Client", loads: list[StepwiseLoad]) -> None:
    finish(loads[0])
    key = footprint_prefix("generation", loads[0].state["file"]["load_id"], "run-1") + "0000.parquet"
    s3.delete_object(Bucket=WORK, Key=key)
    finish(loads[1])
    [warning] = warnings(s3, loads[1])
    assert warning.startswith(f"s3://{SOURCE}/{KEYS[0]} has points at the times of this file, but no footprint")


def test_a_load_that_is_alone_stores_nothing(s3: "S3Client", loads: list[StepwiseLoad]) -> None:
    finish(loads[0])
    stored = s3.list_objects_v2(Bucket=WORK)["Contents"]
    assert not any(each["Key"].endswith("overlaps.json") for each in stored)


def test_files_beyond_the_limits_are_counted(
    s3: "S3Client", loads: list[StepwiseLoad], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.register_load.unordered_load.MAX_COMPARED", 1)
    finish(*loads)
    [warning] = warnings(s3, loads[2])
    assert warning.startswith("1 other file with points at the times of this file was not compared")
    monkeypatch.setattr("functions.register_load.unordered_load.MAX_SECONDS", 0)
    finish(loads[2])
    assert warnings(s3, loads[2])[0].startswith("2 other files with points at the times of this file were not compared")


def test_a_former_version_of_another_file_is_not_named(
    s3: "S3Client", context: SimpleNamespace, loads: list[StepwiseLoad]
) -> None:
    finish(loads[0])
    put(s3, KEYS[0], hours("N", 5, 10, 2.0))
    replacing = StepwiseLoad(s3, context, KEYS[0])
    replacing.state["file"]["claim"]["last_modified"] += 1  # S3 counts seconds
    finish(replacing, loads[1])
    assert warnings(s3, loads[1]) == []


def test_a_load_that_is_rejected_is_not_registered(
    s3: "S3Client", influx: ScriptedInflux, loads: list[StepwiseLoad]
) -> None:
    influx.fallback = rejecting = StoringInflux()
    rejecting.rejected = "power_mw=1"
    with pytest.raises(RefusedPointsError):
        finish(loads[0])
    finish(loads[1])
    assert warnings(s3, loads[1]) == []


def test_an_error_of_the_comparison_only_loses_the_warning(s3: "S3Client", loads: list[StepwiseLoad]) -> None:
    finish(loads[0])
    key = footprint_prefix("generation", loads[0].state["file"]["load_id"], "run-1") + "0000.parquet"
    s3.put_object(Bucket=WORK, Key=key, Body=b"not Parquet")
    finish(loads[1])
    assert (warnings(s3, loads[1]), loads[1].data["verdict"]) == ([], "loaded")
