"""The loads of an undo: each file is checked at its turn, and newer versions and revisions are left as they are."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.stack import Deployment
from cli.deployed.undo_plan import make_plan, record_of
from cli.deployed.undo_records import UndoRecords, version_of
from shared.ledger import LedgerItem, version_id_of, version_items
from tests.functional.cli.conftest import SHARING_KEY, WRONG_KEY
from tests.functional.conftest import SOURCE
from tests.support.command_line import run_loader
from tests.support.ledger_entries import put_items
from tests.support.revised_files import finish, hours
from tests.support.scripted_aws import STACK, ScriptedAws, succeeded
from tests.support.slots import declare
from tests.support.stale_points import Rewrites

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


SHARING_OBJECT = f"s3://{SOURCE}/{SHARING_KEY}"
NEWER = hours("SE", 0, 12, 3.0) | hours("N", 0, 2, 3.0)


@pytest.mark.parametrize("changed_at", ["2999-01-01T00:00:00.000Z", "2024-01-01T00:00:04.000Z"])
def test_a_newer_version_that_was_loaded_meanwhile_is_not_overwritten(
    changed_at: str, rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws, ledger: "Table"
) -> None:
    # The second time is after the wrong load, and before the beginning of the undo by the clock of this machine: it is
    # that of a load that ended while the question was open, or of a clock that is ahead.
    deployment = Deployment(STACK)
    UndoRecords(ledger).begin(record_of(deployment, make_plan(deployment, wrong, delete=True, force=False)))
    rewritten.load(WRONG_KEY, NEWER, changed_at=changed_at)
    result = run_loader("undo", wrong["load_id"], "--json")
    assert (json.loads(result.stdout)["passed_over"], result.exit_code) == ([wrong["object"]], 0)
    assert [each["key"] for each in aws.inputs] == [SHARING_KEY]


@pytest.mark.usefixtures("undone_points_go")
@pytest.mark.parametrize("status", ["loaded", "claimed"])
def test_a_newer_version_that_arrives_between_two_loads_is_not_overwritten(
    status: str, rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws, monkeypatch: Any
) -> None:
    declare(monkeypatch, revision=None)
    newer = rewritten.start(WRONG_KEY, NEWER)
    finish(newer)

    def end(_: dict[str, Any]) -> dict[str, Any]:
        rewritten.settle(newer, status)
        return succeeded()

    aws.ending = end
    result = run_loader("undo", wrong["load_id"], "--yes", "--json")
    content = json.loads(result.stdout)
    assert [each["key"] for each in aws.inputs] == [SHARING_KEY]
    assert content["passed_over"] == ([wrong["object"]] if status == "loaded" else [])
    assert ("is being loaded by" in content["problem"], result.exit_code == 1) == (status == "claimed",) * 2


@pytest.mark.usefixtures("undone_points_go")
def test_two_versions_of_a_file_are_loaded_one_after_the_other(
    rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws, ledger: "Table"
) -> None:
    deployment = Deployment(STACK)
    record = record_of(deployment, make_plan(deployment, wrong, delete=True, force=False))
    rewritten.load(WRONG_KEY, NEWER, status="failed")
    [unloaded] = (each for each in version_items(wrong["object"]) if each["status"] == "failed")
    record["load_again"].append(version_of(unloaded))
    UndoRecords(ledger).begin(record)
    aws.looks = 1
    content = json.loads(run_loader("undo", wrong["load_id"], "--yes", "--json").stdout)
    assert len(aws.inputs) == len(content["loaded_again"]) == 3
    assert content["loaded_again"].keys() > {SHARING_OBJECT, f"{wrong['object']}, version {version_id_of(unloaded)}"}
    requests = [each for each in aws.actions if each in ("StartExecution", "DescribeExecution")]
    assert requests == ["StartExecution", "DescribeExecution", "DescribeExecution"] * 3


@pytest.mark.usefixtures("undone_points_go")
def test_a_newer_revision_keeps_its_slot_and_a_skipped_load_is_passed_over(wrong: LedgerItem, aws: ScriptedAws) -> None:
    aws.ending = lambda event: succeeded("Skipped: older revision" if event["key"] == WRONG_KEY else "Data loaded")
    content = json.loads(run_loader("undo", wrong["load_id"], "--yes", "--json").stdout)
    assert [each["override_slot"] for each in aws.inputs] == [False, False]
    assert (list(content["loaded_again"]), content["passed_over"]) == ([SHARING_OBJECT], [wrong["object"]])


def test_while_a_file_is_being_loaded_nothing_is_loaded_again(
    rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws, ledger: "Table"
) -> None:
    deployment = Deployment(STACK)
    plan = make_plan(deployment, wrong, delete=True, force=False)
    UndoRecords(ledger).begin(record_of(deployment, plan))
    put_items(ledger, {**plan.choice.in_place[0], "status": "claimed", "lease_until": "2999-01-01T00:00:00Z"})
    result = run_loader("undo", wrong["load_id"])
    assert (result.exit_code, "is being loaded by" in result.stderr, aws.inputs) == (1, True, [])


@pytest.mark.parametrize("taken_back", [("undone", ""), ("skipped", "withdrawn with loader forget")])
def test_a_file_that_was_taken_back_itself_is_not_loaded_again(
    wrong: LedgerItem, aws: ScriptedAws, ledger: "Table", taken_back: tuple[str, str]
) -> None:
    deployment = Deployment(STACK)
    UndoRecords(ledger).begin(record_of(deployment, make_plan(deployment, wrong, delete=True, force=False)))
    [sharing] = version_items(f"s3://{SOURCE}/{SHARING_KEY}")
    put_items(ledger, {**sharing, "status": taken_back[0], "message": taken_back[1]})
    result = run_loader("undo", wrong["load_id"], "--no-delete", "--json")
    assert json.loads(result.stdout)["passed_over"] == [sharing["object"]]
    assert [each["key"] for each in aws.inputs] == [WRONG_KEY]
