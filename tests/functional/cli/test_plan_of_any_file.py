"""A dry run of a file by any writer has the numbers of its load, or the error with which the load ends."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, reject, settings

from cli.dry_run import plan
from cli.targets import LocalFile
from shared.errors import DataError, NoValidRecordsError
from tests.functional.conftest import SOURCE
from tests.support.staged_file import StagedFile, stage
from tests.support.writer_files import File, WriterLacksTypeError, files

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LENIENT = {"MAX_COLLISION_RATE": "1", "MAX_SET_ASIDE_RATE": "1"}


def check(s3: "S3Client", file: File) -> None:
    """Plan a file, and compare the result with what the functions stage. A file that cannot be written does not count.

    An exception that is not a LoaderError is raised from here: the plan has only those that a load ends with.
    """
    try:
        content = file.content()
    except WriterLacksTypeError:
        reject()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.parquet"
        path.write_bytes(content)
        points = list[int]()
        result = plan(
            LocalFile(path, "dataset=generation/file.parquet"),
            client=s3,
            bucket=SOURCE,
            environment=LENIENT,
            on_file=lambda _: None,
            on_chunk=points.append,
        )
    staged, error = _stage(content)
    if staged is None:
        assert type(result.error) is type(error)
        return
    outcomes = result.outcomes
    assert sum(points) == len(staged.lines)
    assert sum(outcomes.set_aside.values()) == len(staged.rows_set_aside)
    assert outcomes.collapsed == sum(outcome["collapsed"] for outcome in staged.outcomes)
    assert isinstance(result.error, NoValidRecordsError) == (not staged.lines and bool(staged.rows_set_aside))


def _stage(content: bytes) -> tuple[StagedFile | None, DataError | None]:
    try:
        return stage(content), None
    except DataError as error:
        return None, error


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(file=files())
def test_a_plan_of_files_of_every_writer_has_the_numbers_of_the_load(s3: "S3Client", file: File) -> None:
    check(s3, file)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(file=files())
def test_plans_of_five_hundred_files_have_the_numbers_of_the_loads(s3: "S3Client", file: File) -> None:
    check(s3, file)
