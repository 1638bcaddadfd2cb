"""Loads of overlapping files when InfluxDB rejects points, and when replies are lost: the accounts stay exact."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared.errors import RefusedPointsError
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import File, finish, hours, key_of, newest, put, stored
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OLD, NEW = hours("SE", 0, 10, 1.0), hours("SE", 5, 10, 2.0)


@pytest.fixture
def older(s3: "S3Client", context: SimpleNamespace, server: StoringInflux) -> StepwiseLoad:
    put(s3, key_of(0, 1), OLD)
    return StepwiseLoad(s3, context, key_of(0, 1))


@pytest.fixture
def newer(s3: "S3Client", context: SimpleNamespace, server: StoringInflux) -> StepwiseLoad:
    put(s3, key_of(0, 2), NEW)
    return StepwiseLoad(s3, context, key_of(0, 2))


def points(load: StepwiseLoad) -> dict[str, int]:
    return {fate: count for fate, count in load.data["points"].items() if count}


def test_a_newer_load_whose_points_are_rejected_supersedes_nothing(
    older: StepwiseLoad, newer: StepwiseLoad, server: StoringInflux
) -> None:
    server.rejected = "power_mw=2"
    with pytest.raises(RefusedPointsError):
        finish(newer)
    newer.fail()
    finish(older)
    assert points(older) == {"stored": 10}
    assert stored(server) == OLD


def run_until_written_again(older: StepwiseLoad, newer: StepwiseLoad) -> Any:
    """Let the older load write between the newer one's first and second writing, and return the rest of the newer."""
    first = older.run()
    assert next(step for step in first if step == "ConfirmWritten")
    second = newer.run()
    assert [next(second) for _ in range(5)][-2:] == ["ConfirmWritten", "ConfirmWritten"]
    list(first)
    assert next(second) == "WriteBatch"
    return second


def test_points_that_are_rejected_when_they_are_written_again_count_as_rejected(
    older: StepwiseLoad, newer: StepwiseLoad, server: StoringInflux
) -> None:
    rest = run_until_written_again(older, newer)
    server.rejected = "power_mw=2"
    list(rest)
    assert points(newer) == {"stored": 5, "rejected": 5}
    assert newer.data["verdict"] == "partly loaded"


def test_points_that_were_rejected_are_not_written_again_and_count_once(
    s3: "S3Client", context: SimpleNamespace, older: StepwiseLoad, server: StoringInflux
) -> None:
    put(s3, key_of(0, 2), NEW | hours("SE", 7, 1, 7.0))
    newer = StepwiseLoad(s3, context, key_of(0, 2))
    server.rejected = "power_mw=7"
    list(run_until_written_again(older, newer))
    assert points(newer) == {"stored": 9, "rejected": 1}
    assert stored(server) == newest([OLD, {**NEW, ("SE", 7, "power_mw"): 1.0}])


@pytest.mark.parametrize("replacement", [hours("SE", 0, 3, 3.0), hours("N", 0, 3, 3.0)])
def test_a_repeated_registration_forgets_what_it_left_out_if_the_newer_file_was_replaced_meanwhile(
    s3: "S3Client", context: SimpleNamespace, older: StepwiseLoad, newer: StepwiseLoad, replacement: File
) -> None:
    finish(newer)
    steps = older.run()
    assert next(step for step in steps if step == "RegisterLoad")
    older.register()  # the reply is lost
    put(s3, key_of(0, 2), replacement)
    replacing_load = StepwiseLoad(s3, context, key_of(0, 2))
    replacing_load.state["file"]["claim"]["last_modified"] += 1  # S3 counts seconds
    replacing = replacing_load.run()
    assert "ConfirmWritten" in [next(replacing) for _ in range(5)]  # it is written, and waits if it has common points
    list(steps)
    list(replacing)
    superseded = len(OLD.keys() & replacement.keys())
    assert points(older) == {"stored": 10 - superseded} | ({"superseded": superseded} if superseded else {})
