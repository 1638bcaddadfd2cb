"""Files that are loaded while the operator reads the plan of an undo are loaded again, too."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cli.deployed.stack import Deployment
from cli.deployed.undo_plan import make_plan, record_of
from cli.deployed.undo_records import UndoRecords
from shared.ledger import LedgerItem
from shared.times import utc_seconds
from tests.functional.cli.conftest import SHARING_KEY, WRONG_KEY
from tests.functional.conftest import SOURCE
from tests.support.command_line import run_loader
from tests.support.deletion import state
from tests.support.revised_files import hours, key_of
from tests.support.scripted_aws import STACK, ScriptedAws
from tests.support.stale_points import Rewrites

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


def test_files_that_are_loaded_between_the_plan_and_the_undo_are_loaded_again(
    rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws, ledger: "Table"
) -> None:
    aws.results["delete"] = state(removed=2, rewritten=0)
    deployment = Deployment(STACK)
    UndoRecords(ledger).begin(record_of(deployment, make_plan(deployment, wrong, delete=True, force=False)))
    late, running, gone = (key_of(slot, 1) for slot in (3, 4, 5))
    rewritten.load(late, hours("SE", 0, 3, 8.0))
    rewritten.load(gone, hours("SE", 0, 3, 8.0))
    for version in rewritten.s3.list_object_versions(Bucket=SOURCE, Prefix=gone)["Versions"]:
        rewritten.s3.delete_object(Bucket=SOURCE, Key=gone, VersionId=version["VersionId"])
    lease_until = datetime.now(UTC) + timedelta(seconds=3)
    rewritten.load(running, hours("N", 0, 1, 8.0), status="claimed", lease_until=utc_seconds(lease_until))
    result = run_loader("undo", wrong["load_id"], "--json")
    content = json.loads(result.stdout)
    assert {each["key"] for each in aws.inputs} == {SHARING_KEY, WRONG_KEY, late, running}
    assert aws.inputs[0]["key"] == SHARING_KEY
    assert (content["not_in_s3"], result.exit_code) == ([f"s3://{SOURCE}/{gone}"], 1)
    assert datetime.now(UTC) > lease_until
