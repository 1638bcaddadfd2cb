"""`loader footprints`: a load of an earlier release gets the footprint that its load would store, and no points."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from shared.footprints import read_footprint
from shared.ledger import CHANGES, object_name
from tests.functional.cli.conftest import KEY, ROWS
from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import generation, parquet
from tests.support.command_line import run_loader
from tests.support.finished_load import StoringInflux, load_file
from tests.support.ledger_entries import item, put_items
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client


def item_of(s3: "S3Client", load: Any, **more: Any) -> Any:
    """Return the item of the load as an earlier release wrote it."""
    head = s3.head_object(Bucket=SOURCE, Key=KEY)
    same = {"object": object_name(SOURCE, KEY), "load_id": load["load_id"], "etag": head["ETag"]}
    return item("a", "loaded", 1, version=head["VersionId"]) | same | more


def test_a_missing_footprint_is_the_one_that_the_load_would_store(
    s3: "S3Client", ledger: "Table", load: Any, database: StoringInflux
) -> None:
    put_items(ledger, item_of(s3, load))
    points = dict(database.points)
    [result] = json.loads(run_loader("footprints", "--json").stdout)
    assert (result["points"], result["error"], database.points) == (48, "", points)
    [stored] = ledger.scan(IndexName=CHANGES)["Items"]
    assert {name: stored[name] for name in ("measurement", "calendar", "first_time")} == {
        name: load["footprint"][name] for name in ("measurement", "calendar", "first_time")
    }
    new, original = (
        s3.get_object(Bucket=WORK, Key=f"{prefix}0000.parquet")["Body"].read()
        for prefix in (str(stored["footprint"]), load["footprint"]["prefix"])
    )
    assert new == original
    assert len(read_footprint(new).points.time) == 48
    assert run_loader("footprints").stdout == "stored 0 footprints, registered 0 loads\n"
    assert "Not included" not in run_loader("coverage").stdout


REVISION = "dataset=generation/processing_metadata_processed_at=2024-0{}-01/{}.parquet"


def test_late_older_files_leave_out_the_points_of_a_load_of_an_earlier_release(
    s3: "S3Client", context: SimpleNamespace, ledger: "Table", database: StoringInflux
) -> None:
    newer, older = REVISION.format(2, "a"), REVISION.format(1, "b")
    data = load_file(s3, context, newer, generation(ROWS))
    head = s3.head_object(Bucket=SOURCE, Key=newer)
    same = {"object": object_name(SOURCE, newer), "load_id": data["load_id"], "etag": head["ETag"]}
    put_items(ledger, item("a", "loaded", 1, version=head["VersionId"]) | same)
    values = {point: dict(fields) for point, fields in database.points.items()}
    first, second = run_loader("footprints"), run_loader("footprints")
    assert first.stdout == "stored 1 footprint, registered 1 load\n"
    assert second.stdout == "stored 0 footprints, registered 0 loads\n"

    s3.put_object(Bucket=SOURCE, Key=older, Body=parquet(generation(ROWS + 10, power_mw=[7.0] * (ROWS + 10))))
    load = StepwiseLoad(s3, context, older)
    assert list(load.run())[-1] == "ReportLoad"
    assert (load.data["points"]["superseded"], load.data["points"]["stored"]) == (ROWS, 10)
    assert {point: fields for point, fields in database.points.items() if point in values} == values


def test_a_file_that_was_replaced_or_deleted_is_named(s3: "S3Client", ledger: "Table", load: Any) -> None:
    put_items(ledger, item_of(s3, load, etag='"other"'))
    result = run_loader("footprints")
    assert result.exit_code == 1
    assert "stored 0 footprints" in result.stdout
    assert "was replaced since it was loaded" in result.stdout
