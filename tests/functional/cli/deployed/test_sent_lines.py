"""The lines that a load sent: from the staging area or, if it has expired, converted again."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.names import find_report
from cli.deployed.sent_lines import sent_lines
from cli.deployed.stack import Deployment
from cli.errors import RefusedError
from tests.functional.cli.conftest import ROWS
from tests.functional.conftest import WORK
from tests.support.cut_files import Row, start_load
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish, key_of
from tests.support.scripted_aws import STACK, ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def lines(load: Any) -> list[str]:
    deployment = Deployment(STACK)
    report = find_report(deployment, load["load_id"])
    assert report.file
    chunks = sent_lines(deployment, report, report.file, report.outcomes.parts)
    return [line for chunk in chunks for line in chunk.to_pylist()]


def expire(s3: "S3Client") -> None:
    staged = s3.list_objects_v2(Bucket=WORK, Prefix="staging/")["Contents"]
    for item in staged:
        s3.delete_object(Bucket=WORK, Key=item["Key"])


def test_staged_lines_are_those_that_influxdb_stores(load: Any, database: StoringInflux) -> None:
    sent = lines(load)
    assert len(sent) == ROWS - 3
    points = {(series, int(time)) for series, _, time in (line.rsplit(" ", 2) for line in sent)}
    assert points == set(database.points)


def test_expired_chunks_are_converted_again(load: Any, s3: "S3Client") -> None:
    staged = lines(load)
    expire(s3)
    assert lines(load) == staged


def test_a_file_that_converts_to_other_lines_is_refused(load: Any, s3: "S3Client", aws: ScriptedAws) -> None:
    expire(s3)
    aws.environments["convert"] = {"MAX_BATCH_SIZE": "7"}
    with pytest.raises(RefusedError, match="chunk 0000-0000 has expired, and with the deployed release and settings"):
        lines(load)


def finished_load(s3: "S3Client", context: SimpleNamespace, rows: list[Row], key: str, run: str) -> dict[str, str]:
    load = start_load(s3, context, rows, 4, key=key, run=run)
    finish(load)
    return {"load_id": load.state["file"]["load_id"]}


def test_a_part_is_converted_again_without_the_rows_whose_place_later_parts_took(
    s3: "S3Client",
    context: SimpleNamespace,
    database: StoringInflux,
    aws: ScriptedAws,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAX_COLLISION_RATE", "1")
    aws.environments["convert"] = {"MAX_COLLISION_RATE": "1"}
    rows: list[Row] = [("SE", 0, 1.0, None), ("SE", 0, 1.0, 5.0), ("N", 0, 1.0, None), ("SE", 2, 7.0, None)]
    rows += [("SE", 0, 1.0, None), ("N", 0, 2.0, None), ("SE", 3, 1.0, None), ("SE", 2, None, 4.0)]
    load = finished_load(s3, context, rows, key_of(0, 0), "run-1")
    staged = lines(load)
    assert len(staged) == 6
    expire(s3)
    assert lines(load) == staged
