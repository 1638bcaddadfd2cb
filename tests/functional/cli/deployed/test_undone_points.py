"""The points that only an undone load has: stale points that other loads left are not among them, and stay."""

from cli.deployed.stack import Deployment
from cli.deployed.stale import prepare_searches
from cli.deployed.undo_plan import with_undone
from cli.deployed.undone_points import count_uncertain, undone_points
from shared.footprints import Footprint
from shared.ledger import LedgerItem
from tests.functional.cli.conftest import WRONG_KEY
from tests.support.revised_files import Point, hours, key_of
from tests.support.scripted_aws import STACK
from tests.support.stale_points import Rewrites, values_of


def points(footprint: Footprint) -> set[Point]:
    return set(values_of(footprint))


def test_stale_points_of_other_loads_stay(rewritten: Rewrites, wrong: LedgerItem) -> None:
    """Another file left a stale point between those that go, and one that the wrong file has, too."""
    rewritten.load(key_of(3, 1), hours("N", 1, 1, 1.0) | hours("S", 1, 1, 1.0) | hours("S", 9, 1, 1.0))
    rewritten.load(key_of(3, 1), hours("S", 9, 1, 1.0))
    deployment = Deployment(STACK)
    [prepared] = prepare_searches(deployment, WRONG_KEY, "generation")
    after = with_undone(deployment, prepared, [wrong])
    result = undone_points(deployment, after, {wrong["load_id"]})
    assert points(result.stale) == set(hours("N", 0, 2, 0))
    assert points(result.current) == set(hours("S", 1, 1, 0) | hours("SE", 0, 2, 0))
    assert count_uncertain(deployment, after, {wrong["load_id"]}) == 0


def test_points_of_a_load_whose_report_is_gone_are_uncertain(rewritten: Rewrites, wrong: LedgerItem) -> None:
    deployment = Deployment(STACK)
    for each in rewritten.s3.list_objects_v2(Bucket="work", Prefix="reports/")["Contents"]:
        rewritten.s3.delete_object(Bucket="work", Key=each["Key"])
    [prepared] = prepare_searches(deployment, WRONG_KEY, "generation")
    known = with_undone(deployment, prepared, [wrong])
    assert count_uncertain(deployment, known, {wrong["load_id"]}) == 0
    unknown = with_undone(deployment, prepared._replace(items=[*map(_of_other_execution, prepared.items)]), [wrong])
    assert count_uncertain(deployment, unknown, {wrong["load_id"]}) == 2


def _of_other_execution(item: LedgerItem) -> LedgerItem:
    return {**item, "execution": "arn:other"}
