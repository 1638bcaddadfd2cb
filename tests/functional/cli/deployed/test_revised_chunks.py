"""Expired chunks that a load sent without the values of newer files."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.names import find_report
from cli.deployed.stack import Deployment
from cli.errors import RefusedError
from shared.work_bucket import put_json
from tests.functional.cli.deployed.test_sent_lines import expire, finished_load, lines
from tests.functional.conftest import WORK
from tests.support.cut_files import Row
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import key_of
from tests.support.scripted_aws import STACK, ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def older(
    s3: "S3Client",
    context: SimpleNamespace,
    database: StoringInflux,
    aws: ScriptedAws,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A load of three parts in chunks of two points, of which newer files have some values, and a later part some."""
    aws.environments["convert"] = {"MAX_BATCH_SIZE": "1"}
    monkeypatch.setenv("MAX_BATCH_SIZE", "1")
    monkeypatch.setattr("functions.convert_and_chunk.part.chunk_points", lambda *_: 2)
    finished_load(s3, context, [("SE", 1, 2.0, None), ("SE", 5, 2.0, 2.0)], key_of(0, 2), "run-2")
    finished_load(s3, context, [("N", 0, 3.0, None), ("SE", 6, None, 3.0)], key_of(0, 3), "run-3")
    rows: list[Row] = [("SE", hour, 1.0, 1.0 if hour > 3 else None) for hour in range(9)]
    rows += [("SE", 2, 1.0, None), ("N", 0, 1.0, None), ("N", 1, 1.0, None)]
    return finished_load(s3, context, rows, key_of(0, 1), "run-1")


def test_expired_chunks_are_made_again_without_the_values_of_newer_files(older: Any, s3: "S3Client") -> None:
    staged = lines(older)
    assert len(staged) == 8
    assert sum("efficiency" in line for line in staged) == 3
    expire(s3)
    assert lines(older) == staged


def test_expired_chunks_of_a_former_release_without_the_values_of_newer_files_are_refused(
    older: Any, s3: "S3Client"
) -> None:
    """Its outcomes do not tell which files these were."""
    report = find_report(Deployment(STACK), older["load_id"])
    content: Any = dict(report.content)
    for part in content["parts"]:
        part.pop("superseded_by", None)
    put_json(s3, report.key, content)
    expire(s3)
    with pytest.raises(RefusedError, match=r"-revised has expired\. An earlier release sent it without"):
        lines(older)


def test_a_chunk_without_the_values_of_newer_files_is_made_again_only_if_their_footprints_exist(
    older: Any, s3: "S3Client"
) -> None:
    report = find_report(Deployment(STACK), older["load_id"])
    for prefix in {prefix for part in report.outcomes.parts for prefix in part.get("superseded_by", ())}:
        for item in s3.list_objects_v2(Bucket=WORK, Prefix=prefix)["Contents"]:
            s3.delete_object(Bucket=WORK, Key=item["Key"])
    expire(s3)
    with pytest.raises(RefusedError, match="has expired, and"):
        lines(older)
