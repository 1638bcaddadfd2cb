"""`loader undo` makes a plan, asks, and does its steps; after a failure or a crash, it continues where it was."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.stack import Deployment
from cli.deployed.undo_plan import make_plan, record_of
from cli.deployed.undo_records import UndoRecords
from shared.deletion.records import plan_key
from shared.ledger import LedgerItem, version_id_of, version_items
from shared.stale.records import StaleRecords
from tests.functional.cli.conftest import SHARING_KEY, WRONG_KEY
from tests.functional.conftest import SOURCE, WORK
from tests.support.command_line import run_loader
from tests.support.ledger_entries import put_items
from tests.support.revised_files import hours, key_of
from tests.support.scripted_aws import STACK, ScriptedAws, failed, succeeded
from tests.support.slots import declare_replacing
from tests.support.stale_points import Rewrites

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


SHARING_OBJECT = f"s3://{SOURCE}/{SHARING_KEY}"


def deletions(rewrites: Rewrites) -> list[str]:
    listing = rewrites.s3.list_objects_v2(Bucket=WORK, Prefix="deletions/")
    return sorted({each["Key"].split("/")[1] for each in listing.get("Contents", [])})


def written(ledger: "Table", load_id: str) -> list[Any]:
    items = (each for each in ledger.scan()["Items"] if each.get("load_id") == load_id and "written" in each)
    return [each["written"] for each in items]


@pytest.mark.usefixtures("undone_points_go")
def test_all_steps_are_done_in_their_order(
    rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws, ledger: "Table"
) -> None:
    seen: list[tuple[str, list[Any], int]] = []

    def end(event: dict[str, Any]) -> dict[str, Any]:
        status = next(each["status"] for each in ledger.scan()["Items"] if each.get("version") == wrong["version"])
        seen.append((str(status), written(ledger, wrong["load_id"]), len(deletions(rewritten))))
        return succeeded()

    aws.ending = end
    result = run_loader("undo", wrong["load_id"][:8], "--yes", "--json")
    content = json.loads(result.stdout)
    assert seen == [("undone", [False], 0)] * 2
    assert [(each["key"], each["force"]) for each in aws.inputs] == [(SHARING_KEY, True), (WRONG_KEY, True)]
    assert version_id_of(wrong) not in [each["version_id"] for each in aws.inputs]
    assert (len(deletions(rewritten)), list(UndoRecords(ledger).read())) == (1, [])
    assert [each["removed"] for each in content["deletions"].values()] == [2]
    # The scripted function deletes nothing, so that the points are left, and the command says so.
    assert (content["left"], result.exit_code) == (2, 1)
    [record] = StaleRecords(ledger).read()
    assert (record["name"], bool(record["due_at"])) == (wrong["object"], True)


@pytest.mark.usefixtures("undone_points_go")
def test_nothing_changes_without_a_yes(wrong: LedgerItem, aws: ScriptedAws, ledger: "Table") -> None:
    before = ledger.scan()["Items"]
    for answer in ("n\n", ""):
        result = run_loader("undo", WRONG_KEY, input=answer)
        assert (result.exit_code, "nothing was undone: answer y, or add --yes" in result.stderr) == (2, True)
    assert (ledger.scan()["Items"], aws.inputs) == (before, [])


@pytest.mark.usefixtures("undone_points_go")
def test_a_file_that_is_not_loaded_again_leaves_the_undo_unfinished(
    rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws, ledger: "Table"
) -> None:
    aws.ending = lambda _: failed("InfluxUnavailableError", "no answer")
    result = run_loader("undo", wrong["load_id"], "--yes")
    assert result.exit_code == 1
    assert "was not loaded again (no answer). If it cannot be loaded, add --skip-failed" in result.stderr
    assert "To continue the undo, run `loader undo" in result.stderr
    assert deletions(rewritten) == []
    aws.ending = lambda _: succeeded()
    continued = run_loader("undo", WRONG_KEY)
    assert "continuing the undo that began at" in continued.stderr
    assert [each["key"] for each in aws.inputs[2:]] == [SHARING_KEY, WRONG_KEY]
    assert (len(deletions(rewritten)), list(UndoRecords(ledger).read())) == (1, [])


@pytest.mark.usefixtures("undone_points_go")
def test_an_undo_that_ended_after_its_transaction_is_continued_before_another_version_is_undone(
    rewritten: Rewrites, wrong: LedgerItem, ledger: "Table"
) -> None:
    deployment = Deployment(STACK)
    plan = make_plan(deployment, wrong, delete=True, force=False)
    UndoRecords(ledger).begin(record_of(deployment, plan))
    [former] = plan.choice.in_place
    refused = run_loader("undo", former["load_id"], "--yes")
    assert (refused.exit_code, f"run `loader undo {wrong['load_id']}` first" in refused.stderr) == (2, True)
    run_loader("undo", wrong["load_id"])
    assert (written(ledger, wrong["load_id"]), list(UndoRecords(ledger).read())) == ([False], [])
    assert len(deletions(rewritten)) == 1


@pytest.mark.usefixtures("undone_points_go")
def test_an_undo_by_key_that_is_repeated_does_not_undo_the_version_before(
    wrong: LedgerItem, aws: ScriptedAws, ledger: "Table"
) -> None:
    assert run_loader("undo", WRONG_KEY, "--yes").exit_code == 1  # points are left
    items, loads = ledger.scan()["Items"], len(aws.inputs)
    repeated = run_loader("undo", WRONG_KEY, "--yes")
    assert (repeated.exit_code, ledger.scan()["Items"], len(aws.inputs)) == (2, items, loads)
    [former] = (each for each in items if each["object"] == wrong["object"] and each["status"] == "loaded")
    command = f"loader undo {former['load_id']!s}"
    assert f"is undone already. To undo the version before it, too, run `{command}`" in repeated.stderr
    by_load = run_loader(*command.split()[1:], input="n\n")
    assert "undo: dataset=generation/" in by_load.stderr


@pytest.mark.usefixtures("undone_points_go")
def test_points_that_only_a_version_before_wrote_stay_though_it_no_longer_exists(
    rewritten: Rewrites, aws: ScriptedAws, ledger: "Table"
) -> None:
    key = key_of(6, 1)
    rewritten.load(key, hours("S", 0, 10, 1.0))
    rewritten.load(key, hours("S", 0, 1, 2.0) | hours("S", 20, 1, 2.0))
    former, truncated = sorted(version_items(f"s3://{SOURCE}/{key}"), key=lambda each: each["last_modified"])
    rewritten.s3.delete_object(Bucket=SOURCE, Key=key, VersionId=version_id_of(former))
    result = run_loader("undo", truncated["load_id"], "--yes", "--json")
    assert "nothing stands in for 2 points: they will be removed" in result.stderr
    assert "9 points that only versions wrote that no longer exist in S3 will stay as stale points" in result.stderr
    content = json.loads(result.stdout)
    # The scripted function deletes nothing, so that those of the undone load are left.
    assert (content["left"], aws.inputs, list(UndoRecords(ledger).read())) == (2, [], [])
    [deletion] = deletions(rewritten)
    plan = json.loads(rewritten.s3.get_object(Bucket=WORK, Key=plan_key(deletion))["Body"].read())
    assert sum(each["stale"] for each in plan["requests"]) == 2


@pytest.mark.usefixtures("undone_points_go")
def test_a_file_of_the_revision_that_was_loaded_again_since_stays_and_no_points_are_deleted(
    rewritten: Rewrites, aws: ScriptedAws, ledger: "Table", monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (8, 9):
        rewritten.load(key_of(number, 3), hours(f"R{number}", 0, 3, 3.0))
    declare_replacing(monkeypatch)
    first, second = (item for number in (8, 9) for item in version_items(f"s3://{SOURCE}/{key_of(number, 3)}"))
    deployment = Deployment(STACK)
    UndoRecords(ledger).begin(record_of(deployment, make_plan(deployment, first, delete=True, force=True)))
    put_items(ledger, {**second, "changed_at": "2999-01-01T00:00:00.000Z"})
    result = run_loader("undo", first["load_id"])
    assert result.exit_code == 1
    assert f"not undone, since it was loaded again after the undo had begun: {second['object']}" in result.stdout
    assert f"undone  {key_of(9, 3)}" not in result.stdout
    assert aws.inputs != []
    assert (deletions(rewritten), list(UndoRecords(ledger).read())) == ([], [])


@pytest.mark.usefixtures("undone_points_go")
def test_an_undo_ends_without_files_that_left_s3_or_that_cannot_be_loaded(
    rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws, ledger: "Table"
) -> None:
    deployment = Deployment(STACK)
    UndoRecords(ledger).begin(record_of(deployment, make_plan(deployment, wrong, delete=True, force=False)))
    [sharing] = version_items(f"s3://{SOURCE}/{SHARING_KEY}")
    rewritten.s3.delete_object(Bucket=SOURCE, Key=SHARING_KEY, VersionId=version_id_of(sharing))
    aws.ending = lambda _: failed("SchemaError", "no column region")
    run_loader("undo", wrong["load_id"], "--yes")
    assert [each["key"] for each in aws.inputs] == [WRONG_KEY]
    assert (deletions(rewritten), len(list(UndoRecords(ledger).read()))) == ([], 1)
    result = run_loader("undo", wrong["load_id"], "--yes", "--skip-failed", "--json")
    content = json.loads(result.stdout)
    assert (result.exit_code, content["not_in_s3"]) == (1, [sharing["object"]])
    assert content["loaded_again"] == {wrong["object"]: "failed"}
    assert (len(deletions(rewritten)), list(UndoRecords(ledger).read())) == (1, [])
