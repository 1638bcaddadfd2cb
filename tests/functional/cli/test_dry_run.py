"""A dry run of a local file and of an object in S3: the same numbers, and nothing written."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from cli.dry_run import Plan, plan
from cli.tally import FIRST_LINES
from cli.targets import LocalFile, S3Object
from infra_cdk.allocators import RETURN_MEMORY
from shared.events import PlannedFile
from shared.settings import MEMORY_VARIABLE
from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import generation, page_bomb, parquet
from tests.support.own_datasets import declare_datasets

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "dataset=generation/a.parquet"
CONTENT = parquet(generation(10, region=["SE"] * 8 + [None] * 2), row_group_size=3)


def run(
    s3: "S3Client", target: LocalFile | S3Object, environment: dict[str, str] | None = None
) -> tuple[Plan, list[int], list[int]]:
    """The plan, and what its callbacks were called with."""
    rows, points = list[int](), list[int]()

    def on_file(file: PlannedFile) -> None:
        rows.append(file["rows"])

    result = plan(
        target,
        client=s3,
        bucket=SOURCE,
        environment=environment or {},
        on_file=on_file,
        on_chunk=points.append,
    )
    return result, rows, points


def local(folder: Path, content: bytes, name: str = "a.parquet") -> LocalFile:
    path = folder / name
    path.write_bytes(content)
    return LocalFile(path, f"dataset=generation/{name}")


def test_a_file_and_the_object_that_it_becomes_have_the_same_plan(s3: "S3Client", tmp_path: Path) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=CONTENT)
    results = [run(s3, target) for target in (local(tmp_path, CONTENT), S3Object(SOURCE, KEY))]
    for result, rows, points in results:
        assert (rows, sum(points), result.error, result.skipped) == ([10], 8, None, "")
        assert result.outcomes.set_aside == {"missing_tag": 2}
        assert len(result.tally.first_lines) == FIRST_LINES
    actual, expected = (result for result, *_ in results)
    assert actual.tally.first_lines == expected.tally.first_lines
    assert actual.tally.packed_bytes == expected.tally.packed_bytes > 0
    assert actual.outcomes.span == expected.outcomes.span


def test_nothing_is_written(s3: "S3Client", tmp_path: Path) -> None:
    run(s3, local(tmp_path, CONTENT))
    assert all("Contents" not in s3.list_objects_v2(Bucket=bucket) for bucket in (SOURCE, WORK))


def test_an_error_of_the_file_is_part_of_its_plan(s3: "S3Client", tmp_path: Path) -> None:
    result, rows, _ = run(s3, local(tmp_path, CONTENT[:-9]))
    assert (type(result.error).__name__, rows, result.file) == ("CorruptParquetError", [], None)
    result, *_ = run(s3, S3Object(SOURCE, "dataset=generation/absent.parquet"))
    assert type(result.error).__name__ == "SourceNotFoundError"


def test_a_file_of_which_no_point_is_left_would_fail_after_its_conversion(s3: "S3Client", tmp_path: Path) -> None:
    result, rows, points = run(s3, local(tmp_path, parquet(generation(2, region=[None, None]))))
    assert (type(result.error).__name__, rows, points) == ("NoValidRecordsError", [2], [])
    assert result.outcomes.set_aside == {"missing_tag": 2}


def test_an_object_that_is_no_file_would_be_skipped(s3: "S3Client", tmp_path: Path) -> None:
    result, rows, _ = run(s3, local(tmp_path, b"x", "a.csv"))
    assert (result.skipped, result.file, rows) == ("not a .parquet file: 'a.csv'", None, [])


def plan_with_512_mib(target: LocalFile) -> tuple[str, list[int]]:
    """Return the name of the error, and the numbers of rows."""
    result, rows, _ = run(boto3.client("s3"), target, {MEMORY_VARIABLE: "512"})
    return type(result.error).__name__, rows


@pytest.mark.usefixtures("s3")
def test_a_file_that_does_not_fit_into_the_memory_of_the_function_would_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a process of its own, with the allocators of the functions: the limit allows all memory that is mapped already,
    # such as what earlier tests have freed.
    for name, value in RETURN_MEMORY.items():
        monkeypatch.setenv(name, value)
    target = local(tmp_path, page_bomb(60_000_000))
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        assert process.submit(plan_with_512_mib, target).result() == ("RecordsTooLargeError", [60_000_000])


def test_tags_of_the_key_are_in_the_lines(s3: "S3Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare_datasets(
        monkeypatch,
        tmp_path,
        """
        [wells]
        measurement = "well_data"
        required_tags = ["site"]
        path_tags = ["site"]
        fields = [{ name = "power_mw", unit = "MW" }]

        [pumps]
        measurement = "pump_data"
        required_tags = ["site"]
        path_tags = ["site"]
        key_pattern = "raw/{site}_*.parquet"
        fields = [{ name = "power_mw", unit = "MW" }]
        """,
    )
    (tmp_path / "a.parquet").write_bytes(CONTENT)
    result, *_ = run(s3, LocalFile(tmp_path / "a.parquet", "dataset=wells/site=North%20Sea/a.parquet"))
    assert (result.error, result.tally.first_lines[0][:34]) == (None, r"well_data,site=North\ Sea power_mw")
    result, *_ = run(s3, LocalFile(tmp_path / "a.parquet", "dataset=wells/a.parquet"))
    assert "tag 'site' is missing" in str(result.error)
    result, *_ = run(s3, LocalFile(tmp_path / "a.parquet", "raw/North Sea_1.parquet"))
    assert (result.error, result.tally.first_lines[0][:34]) == (None, r"pump_data,site=North\ Sea power_mw")
