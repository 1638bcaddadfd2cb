"""A new version of a file ends the precedence of former versions also in months in which it has no points."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared.registrations import Registrations, month_name
from tests.functional.conftest import SOURCE
from tests.support.finished_load import StoringInflux
from tests.support.ledger_entries import put_items
from tests.support.revised_files import File, finish, hours, item_of, key_of, put, stored
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

FEBRUARY = 31 * 24
OLD, NEW = key_of(0, 1), key_of(1, 2)
BOTH = hours("SE", 0, 3, 2.0) | hours("SE", FEBRUARY, 3, 2.0)


def load_version(s3: "S3Client", context: SimpleNamespace, ledger: "Table", file: File, number: int) -> StepwiseLoad:
    """Load a version of the newer file, and settle it as loaded."""
    put(s3, NEW, file)
    load = StepwiseLoad(s3, context, NEW, f"run-{number}")
    load.state["file"]["claim"]["last_modified"] += number  # S3 counts seconds
    load.state["file"]["has_other_versions"] = number > 0
    if file:
        finish(load)
    else:  # a file without rows goes from AnyRows? to ReportLoad
        load.report()
    put_items(ledger, item_of(load))
    return load


@pytest.mark.parametrize("replacement", [hours("SE", 0, 2, 3.0), hours("SE", 2, 1, 3.0) | hours("N", 2000, 1, 1.0), {}])
def test_an_older_file_is_not_superseded_by_points_that_no_version_has_any_more(
    s3: "S3Client", context: SimpleNamespace, ledger: "Table", server: StoringInflux, replacement: File
) -> None:
    load_version(s3, context, ledger, BOTH, 0)
    load_version(s3, context, ledger, replacement, 1)
    put(s3, OLD, BOTH.fromkeys(BOTH, 1.0))
    older = StepwiseLoad(s3, context, OLD)
    finish(older)
    superseded = len(BOTH.keys() & replacement.keys())
    assert (older.data["points"]["stored"], older.data["points"]["superseded"]) == (6 - superseded, superseded)
    assert stored(server)["SE", FEBRUARY, "power_mw"] == 1.0


def test_the_new_version_keeps_its_precedence_and_a_forced_load_of_a_former_one_takes_none_away(
    s3: "S3Client", context: SimpleNamespace, ledger: "Table", server: StoringInflux
) -> None:
    load_version(s3, context, ledger, hours("SE", 0, 3, 2.0), 0)
    load_version(s3, context, ledger, BOTH, 1)
    forced = load_version(s3, context, ledger, hours("SE", 0, 3, 2.0), -1)
    forced.state["file"]["has_other_versions"] = True
    forced.report()
    february: Any = Registrations(ledger).read(month_name("ons", "generation_data", "2024-02"))
    assert [(each["source"], each["written"]) for each in february] == [(f"s3://{SOURCE}/{NEW}", True)]


def test_a_load_that_fails_before_its_conversion_keeps_the_footprint_of_the_attempt_before(
    s3: "S3Client", context: SimpleNamespace, ledger: "Table", server: StoringInflux
) -> None:
    """Otherwise nobody would know the months in which that attempt is registered."""
    load = load_version(s3, context, ledger, BOTH, 0)
    assert StepwiseLoad(s3, context, NEW, "run-1").fail()["footprint"] == load.data["footprint"]
    put(s3, OLD, BOTH)
    assert not any(StepwiseLoad(s3, context, OLD, "run-2").fail()["footprint"].values())
