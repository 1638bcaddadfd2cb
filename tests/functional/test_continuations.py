"""Comparisons with other files that need several invocations of RegisterLoad and ConfirmWritten."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.functional.conftest import WORK
from tests.support.cut_files import Row, start_load, values_of
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish, key_of, stored
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PARTS = 4


def rows_of(value: float) -> list[Row]:
    return [("SE", hour, value, None) for hour in range(4 * PARTS)]


def load_of(s3: "S3Client", context: SimpleNamespace, day: int, value: float) -> StepwiseLoad:
    """Return the hurried load of a revision of some parts."""
    load = start_load(s3, context, rows_of(value), 4, key=key_of(day, day), run=f"run-{day}")
    load.is_hurried = True
    return load


def progress_objects(s3: "S3Client") -> int:
    return sum(item["Key"].endswith("progress.json") for item in s3.list_objects_v2(Bucket=WORK)["Contents"])


@pytest.mark.parametrize("repeats", [False, True])
def test_an_older_file_leaves_out_the_points_of_newer_ones_in_several_invocations(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux, *, repeats: bool
) -> None:
    finish(start_load(s3, context, rows_of(2.0), 4, key=key_of(2, 2), run="run-2"))
    assert progress_objects(s3) == 0
    older = load_of(s3, context, 1, 1.0)
    older.repeats = repeats
    finish(older)
    compared_own_parts = PARTS - 1
    assert older.continuations == compared_own_parts + 1 + PARTS  # one comparison finds the newer file
    assert (older.data["points"]["superseded"], older.data["points_written"]) == (4 * PARTS, 0)
    assert stored(server) == values_of(rows_of(2.0), set())


def test_a_newer_file_is_written_again_in_several_invocations(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    older, newer = load_of(s3, context, 1, 1.0), load_of(s3, context, 2, 2.0)
    steps_of_older = older.run()
    next(step for step in steps_of_older if step == "WriteBatch")
    steps_of_newer = newer.run()
    next(step for step in steps_of_newer if step == "ConfirmWritten")
    list(steps_of_older)
    assert stored(server) == values_of(rows_of(1.0), set())
    before = newer.continuations
    list(steps_of_newer)
    assert newer.continuations - before >= 1 + PARTS
    assert stored(server) == values_of(rows_of(2.0), set())
    assert newer.data["points_written"] == 4 * PARTS
