"""The plan of an undo says what is loaded again, and which points go, before anything is changed."""

import json
from typing import TYPE_CHECKING

import pytest

from cli.deployed.objects import exists
from cli.deployed.stack import Deployment
from cli.deployed.undo_plan import find_item, make_plan, record_of
from cli.errors import NotFoundError, RefusedError
from shared.calendars import Count, encode
from shared.ledger import LedgerItem, bucket_and_key, version_id_of, version_items
from tests.functional.cli.conftest import SHARING_KEY, WRONG_KEY
from tests.functional.conftest import SOURCE, WORK
from tests.support.ledger_entries import put_items
from tests.support.revised_files import hours, key_of
from tests.support.scripted_aws import STACK, ScriptedAws
from tests.support.slots import declare, declare_replacing
from tests.support.stale_points import Rewrites

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


def keys(items: list[LedgerItem]) -> list[str]:
    return [bucket_and_key(each["object"])[1] for each in items]


def test_it_has_the_version_before_the_sharing_files_and_the_points_that_go(
    rewritten: Rewrites, wrong: LedgerItem, ledger: "Table"
) -> None:
    before = ledger.scan()["Items"]
    plan = make_plan(Deployment(STACK), wrong, delete=True, force=False)
    assert (keys(plan.undone), keys(plan.load_again)) == ([WRONG_KEY], [SHARING_KEY, WRONG_KEY])
    assert [each.points for each in plan.sharing] == [2]
    assert (plan.removal.points, plan.removal.requests, plan.removal.uncertain) == (2, 1, 0)
    assert ledger.scan()["Items"] == before
    record = record_of(Deployment(STACK), plan)
    assert [each["changed_at"] for each in record["undone"]] == [wrong["changed_at"]]
    assert (record["load_id"], record["head"], record["gone"]) == (wrong["load_id"], None, [])


def test_newer_files_hold_their_values_and_are_not_loaded_again(rewritten: Rewrites, wrong: LedgerItem) -> None:
    rewritten.load(key_of(2, 3), hours("SE", 0, 2, 9.0) | hours("N", 0, 1, 9.0))
    plan = make_plan(Deployment(STACK), wrong, delete=True, force=False)
    assert (keys(plan.load_again), plan.removal.points) == ([SHARING_KEY, WRONG_KEY], 1)


@pytest.mark.parametrize("status", ["failed", "claimed"])
def test_files_that_were_not_loaded_completely_are_loaded_again(
    rewritten: Rewrites, wrong: LedgerItem, ledger: "Table", status: str
) -> None:
    """The version before and a newer file with common points: InfluxDB may lack their values, so nothing is left."""
    newer = key_of(2, 3)
    rewritten.load(newer, hours("N", 0, 2, 9.0))
    [former] = make_plan(Deployment(STACK), wrong, delete=False, force=True).choice.in_place
    [other] = version_items(f"s3://{SOURCE}/{newer}")
    for each in (former, other):
        put_items(ledger, {**each, "status": status, "lease_until": "2024-01-01T00:00:00Z"})
    plan = make_plan(Deployment(STACK), wrong, delete=True, force=False)
    assert keys(plan.load_again) == [SHARING_KEY, WRONG_KEY, newer]
    assert plan.removal.points == 0


def test_without_an_order_of_files_those_that_were_written_later_follow(
    rewritten: Rewrites, wrong: LedgerItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later file has no point of the wrong one, but one of the sharing file, which is written before it again."""
    declare(monkeypatch, revision=None)
    later = key_of(2, 1)
    rewritten.load(later, hours("SE", 14, 3, 7.0))
    rewritten.load(key_of(3, 1), hours("SE", 20, 3, 7.0))
    plan = make_plan(Deployment(STACK), wrong, delete=True, force=False)
    assert keys(plan.load_again) == [SHARING_KEY, WRONG_KEY, later]


def test_values_that_nobody_could_write_again_are_overwritten_only_by_force(
    rewritten: Rewrites, wrong: LedgerItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files that no longer exist in S3: one was written after the version before, the other has no point of it."""
    standing, apart = key_of(2, 1), key_of(3, 1)
    rewritten.load(standing, hours("SE", 0, 3, 7.0))
    rewritten.load(apart, hours("S", 0, 3, 7.0))
    for each in rewritten.s3.list_object_versions(Bucket=SOURCE)["Versions"]:
        if each["Key"] in (standing, apart):
            rewritten.s3.delete_object(Bucket=SOURCE, Key=each["Key"], VersionId=each["VersionId"])
    assert len(make_plan(Deployment(STACK), wrong, delete=True, force=False).gone) == 1  # its values never stood
    declare(monkeypatch, revision=None)
    with pytest.raises(RefusedError, match=f"would overwrite values of s3://{SOURCE}/{standing}, which is not in S3"):
        make_plan(Deployment(STACK), wrong, delete=True, force=False)
    plan = make_plan(Deployment(STACK), wrong, delete=True, force=True)
    assert (keys(plan.load_again), keys([each.item for each in plan.gone])) == ([SHARING_KEY, WRONG_KEY], [standing])


def test_a_source_that_is_gone_is_named(rewritten: Rewrites, wrong: LedgerItem) -> None:
    """The points of the version before go, too; those of the sharing file keep the values of the wrong one."""
    [former] = make_plan(Deployment(STACK), wrong, delete=True, force=False).choice.in_place
    rewritten.s3.delete_object(Bucket=SOURCE, Key=WRONG_KEY, VersionId=version_id_of(former))
    rewritten.s3.delete_object(Bucket=SOURCE, Key=SHARING_KEY)
    current = rewritten.s3.list_object_versions(Bucket=SOURCE, Prefix=SHARING_KEY)["Versions"]
    for each in current:
        rewritten.s3.delete_object(Bucket=SOURCE, Key=SHARING_KEY, VersionId=each["VersionId"])
    plan = make_plan(Deployment(STACK), wrong, delete=True, force=False)
    assert (len(plan.undone), plan.load_again, keys([each.item for each in plan.gone])) == (2, [], [SHARING_KEY])
    assert plan.removal.points == 12


def test_without_versioning_only_the_current_object_exists(rewritten: Rewrites, wrong: LedgerItem) -> None:
    """Then the ledger names a version by its ETag. The object that the key has now is another version."""
    deployment = Deployment(STACK)
    [former] = make_plan(deployment, wrong, delete=True, force=False).choice.in_place
    assert (exists(deployment, wrong), exists(deployment, former)) == (True, True)
    etag = former["etag"].strip('"')
    assert not exists(deployment, {**former, "version": f"{former['version'].partition(' ')[0]} {etag}"})


def test_a_version_that_was_replaced_and_a_partly_loaded_file_are_refused(
    rewritten: Rewrites, wrong: LedgerItem, ledger: "Table"
) -> None:
    deployment = Deployment(STACK)
    [former] = make_plan(deployment, wrong, delete=True, force=False).choice.in_place
    with pytest.raises(RefusedError, match="a newer version or revision is loaded"):
        make_plan(deployment, former, delete=True, force=False)
    put_items(ledger, {**former, "verdict": "partly loaded"})
    with pytest.raises(RefusedError, match=r"nothing was deleted: .* is only partly loaded.*add --no-delete"):
        make_plan(deployment, wrong, delete=True, force=False)
    assert make_plan(deployment, wrong, delete=True, force=True).removal.requests == 1
    assert make_plan(deployment, wrong, delete=False, force=False).removal.requests == 0


def test_another_file_of_the_revision_without_a_footprint_is_refused(
    rewritten: Rewrites, ledger: "Table", monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (8, 9):
        rewritten.load(key_of(number, 3), hours(f"R{number}", 0, 3, 3.0))
    declare_replacing(monkeypatch)
    first, second = (item for number in (8, 9) for item in version_items(f"s3://{SOURCE}/{key_of(number, 3)}"))
    for each in rewritten.s3.list_objects_v2(Bucket=WORK, Prefix=second["footprint"])["Contents"]:
        rewritten.s3.delete_object(Bucket=WORK, Key=each["Key"])
    put_items(ledger, {name: value for name, value in second.items() if name != "footprint"})
    with pytest.raises(RefusedError, match=rf"nothing was undone: .*{second['object']}.* run `loader footprints"):
        make_plan(Deployment(STACK), first, delete=True, force=True)


@pytest.mark.parametrize("key", [WRONG_KEY, SHARING_KEY])
def test_a_footprint_that_lacks_points_is_refused_with_what_to_do(
    rewritten: Rewrites, wrong: LedgerItem, ledger: "Table", key: str
) -> None:
    """The ledger counts more lines than the footprint has."""
    item = max(version_items(f"s3://{SOURCE}/{key}"), key=lambda each: each["last_modified"])
    put_items(ledger, {**item, "calendar": json.dumps(encode({"2024-01-01": Count(99, 1, 0, 0)}))})
    with pytest.raises(RefusedError, match=rf"{key} lacks parts.*run `loader footprints` first"):
        make_plan(Deployment(STACK), wrong, delete=False, force=False)


def test_influxdb_3_keeps_the_points(rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws) -> None:
    aws.results["health"] = {"version": "3.9.6"}
    plan = make_plan(Deployment(STACK), wrong, delete=True, force=False)
    assert (plan.can_delete, plan.removal.points, plan.removal.requests) == (False, 2, 0)


def test_a_load_is_found_by_its_id_and_by_its_key(rewritten: Rewrites, wrong: LedgerItem, ledger: "Table") -> None:
    deployment = Deployment(STACK)
    [former] = make_plan(deployment, wrong, delete=True, force=False).choice.in_place
    assert find_item(deployment, former["load_id"][:8]) == former
    assert find_item(deployment, WRONG_KEY) == wrong
    put_items(ledger, {**wrong, "status": "undone"})
    assert find_item(deployment, WRONG_KEY) == former
    with pytest.raises(NotFoundError, match="the ledger has no load of"):
        find_item(deployment, "dataset=generation/none")
