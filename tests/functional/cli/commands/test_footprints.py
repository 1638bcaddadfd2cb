"""`loader footprints`: a load of an earlier release gets the footprint that its load would store, and no points."""

import json
from typing import TYPE_CHECKING, Any

from shared.footprints import read_footprint
from shared.ledger import object_name
from tests.functional.cli.conftest import KEY
from tests.functional.conftest import SOURCE, WORK
from tests.support.command_line import run_loader
from tests.support.finished_load import StoringInflux
from tests.support.ledger_entries import item, put_items

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
    [stored] = ledger.scan()["Items"]
    assert {name: stored[name] for name in ("measurement", "calendar", "first_time")} == {
        name: load["footprint"][name] for name in ("measurement", "calendar", "first_time")
    }
    new, original = (
        s3.get_object(Bucket=WORK, Key=f"{prefix}0000.parquet")["Body"].read()
        for prefix in (str(stored["footprint"]), load["footprint"]["prefix"])
    )
    assert new == original
    assert len(read_footprint(new).points.time) == 48
    assert run_loader("footprints").stdout == "stored 0 footprints\n"
    assert "Not included" not in run_loader("coverage").stdout


def test_a_file_that_was_replaced_or_deleted_is_named(s3: "S3Client", ledger: "Table", load: Any) -> None:
    put_items(ledger, item_of(s3, load, etag='"other"'))
    result = run_loader("footprints")
    assert result.exit_code == 1
    assert "stored 0 footprints" in result.stdout
    assert "was replaced since it was loaded" in result.stdout
