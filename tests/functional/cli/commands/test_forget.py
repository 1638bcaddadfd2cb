"""`loader forget`: the load of a deleted file is withdrawn, and older files get their values back."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from shared.ledger import version_name
from tests.functional.conftest import SOURCE
from tests.support.command_line import run_loader
from tests.support.finished_load import StoringInflux
from tests.support.ledger_entries import at, put_items
from tests.support.revised_files import finish, hours, item_of, key_of, put, stored
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

WRONG, OLD, LATER = key_of(0, 2), key_of(0, 1), key_of(1, 1)


@pytest.fixture
def files(s3: "S3Client", context: SimpleNamespace, ledger: "Table", database: StoringInflux) -> None:
    """A wrong file of June, an older file that left out points, and one with points at later times."""
    put(s3, WRONG, hours("SE", 5, 10, 2.0))
    put(s3, OLD, hours("SE", 0, 10, 1.0))
    put(s3, LATER, hours("SE", 20, 5, 3.0))
    for key in (WRONG, OLD, LATER):
        load = StepwiseLoad(s3, context, key)
        finish(load)
        put_items(ledger, item_of(load) | {"claimed_at": at(2)})


def test_older_files_get_their_values_back(
    s3: "S3Client", context: SimpleNamespace, ledger: "Table", database: StoringInflux, files: None
) -> None:
    assert stored(database)["SE", 7, "power_mw"] == 2.0
    s3.delete_object(Bucket=SOURCE, Key=WRONG)
    assert json.loads(run_loader("forget", WRONG, "--yes", "--json").stdout) == {
        "object": f"s3://{SOURCE}/{WRONG}",
        "load_again": [f"s3://{SOURCE}/{OLD}"],
    }
    again = StepwiseLoad(s3, context, OLD, "again")
    finish(again)
    assert (again.data["points"]["stored"], again.data["points"]["superseded"]) == (10, 0)
    assert stored(database)["SE", 7, "power_mw"] == 1.0
    history = run_loader("history", "--status", "skipped").stdout
    assert "withdrawn with loader forget" in history
    header, line = (each.split("\t") for each in history.splitlines())
    assert line[header.index("duration")] == "60 s", "the load did not take until it was withdrawn"


def test_it_asks_first_and_names_the_commands(s3: "S3Client", ledger: "Table", files: None) -> None:
    s3.delete_object(Bucket=SOURCE, Key=WRONG)
    before = ledger.scan()["Items"]
    for answer in ("n\n", ""):
        refused = run_loader("forget", WRONG, input=answer)
        assert (refused.exit_code, ledger.scan()["Items"]) == (2, before)
        assert "1 older file may have left out points" in refused.stderr
        assert refused.stderr.endswith("error: nothing was changed: answer y, or add --yes\n")
    assert "\nerror: nothing was changed" in refused.stderr
    assert f"loader load 's3://{SOURCE}/{OLD}' --force" in run_loader("forget", WRONG, input="y\n").stdout


def test_a_file_exists_if_its_newest_version_is_undone(s3: "S3Client", ledger: "Table", files: None) -> None:
    """Then the version before stands again, although it is not the current one of S3."""
    before = next(each for each in ledger.scan()["Items"] if str(each["object"]).endswith(WRONG))
    put(s3, WRONG, hours("SE", 5, 1, 4.0))
    head = s3.head_object(Bucket=SOURCE, Key=WRONG)
    version = version_name(head["LastModified"], head["VersionId"], head["ETag"])
    put_items(ledger, before | {"version": version, "status": "undone"})
    assert "still exists" in run_loader("forget", WRONG, "--yes").stderr


def test_a_file_that_exists_or_is_not_registered_is_refused(s3: "S3Client", ledger: "Table", files: None) -> None:
    assert "still exists" in run_loader("forget", WRONG, "--yes").stderr
    assert "the ledger has no load" in run_loader("forget", "dataset=generation/none.parquet", "--yes").stderr
    s3.delete_object(Bucket=SOURCE, Key=WRONG)
    run_loader("forget", WRONG, "--yes")
    claimed = next(each for each in ledger.scan()["Items"] if str(each["object"]).endswith(WRONG))
    put_items(ledger, claimed | {"status": "claimed", "lease_until": "2999-01-01T09:30:00+00:00"})
    assert "is being loaded by" in run_loader("forget", WRONG, "--yes").stderr
