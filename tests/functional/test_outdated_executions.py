"""Executions of an earlier release, whose definition has no CompareParts, with the functions of this one."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from shared.errors import OutdatedExecutionError, heals_alone, needs_person
from tests.support.cut_files import Row, start_load, values_of
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish, stored
from tests.support.slots import declare
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COMMON: list[Row] = [("SE", 0, 1.0, None), ("SE", 1, 1.0, None)]
COLLISION: list[Row] = [*COMMON, ("SE", 0, 2.0, None), ("SE", 2, 1.0, None)]
REPETITION: list[Row] = [*COMMON, ("SE", 1, 1.0, None), ("SE", 2, 1.0, None)]
DISTINCT: list[Row] = [*COMMON, ("SE", 2, 1.0, None), ("SE", 3, 1.0, None)]


def converted(s3: "S3Client", context: SimpleNamespace, rows: list[Row]) -> StepwiseLoad:
    """Return a load of two parts after ConvertParts, the last state before RegisterLoad in the earlier release."""
    load = start_load(s3, context, rows, part_rows=2)
    next(state for state in load.run() if state == "CompareParts")
    return load


@pytest.mark.parametrize("revision", ["processing_metadata_processed_at", None])
@pytest.mark.parametrize("rows", [COLLISION, REPETITION])
def test_parts_that_were_not_compared_are_not_written_if_rows_lose_their_place(
    s3: "S3Client",
    context: SimpleNamespace,
    server: StoringInflux,
    monkeypatch: pytest.MonkeyPatch,
    *,
    rows: list[Row],
    revision: str | None,
) -> None:
    declare(monkeypatch, revision=revision)
    monkeypatch.setenv("MAX_COLLISION_RATE", "1")
    for _ in range(2):  # a retry finds the same rows
        with pytest.raises(OutdatedExecutionError, match=r"1 of its parts.* load the file again"):
            converted(s3, context, rows).register()
    error = OutdatedExecutionError.__name__
    assert heals_alone(error)
    assert not needs_person(error)
    finish(start_load(s3, context, rows, part_rows=2, run="run-2"))
    assert stored(server) == values_of(rows, {rows.index(COMMON[0 if rows is COLLISION else 1])})


def test_parts_that_were_not_compared_are_written_if_all_rows_keep_their_place(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    assert [chunk["points"] for chunk in converted(s3, context, DISTINCT).register()["chunks"]] == [2, 2]
    assert stored(server) == {}
