"""Whether a newer revision has the slot of a file, as `loader plan` and `loader retry` tell it."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.slots import Slots
from cli.deployed.stack import Deployment
from shared.datasets import DATASETS
from shared.ledger import object_name
from shared.ledger_items import ItemKey
from shared.settings import STACK_NAME
from shared.slots import Slot, slot_file, slot_name
from tests.functional.conftest import SOURCE
from tests.support.builders import generation, parquet
from tests.support.command_line import run_loader
from tests.support.ledger_entries import failed_item, item, put_items
from tests.support.slots import declare_pattern, declare_replacing, key_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.usefixtures("aws")
NEWER, OLDER = key_of(2), key_of(1)


@pytest.fixture(autouse=True)
def _declare(monkeypatch: pytest.MonkeyPatch) -> None:
    declare_replacing(monkeypatch)


def put_newer(ledger: "Table", entry: Any, key: str = NEWER) -> None:
    """Write the item of the newer file, and that of its slot."""
    newer = entry | {"object": object_name(SOURCE, key)}
    put_items(ledger, newer)
    slot = Slot(ledger, slot_name(SOURCE, key, DATASETS["generation"]))
    slot.add(slot_file(ItemKey(newer["object"], newer["version"]), DATASETS["generation"]))


@pytest.mark.parametrize(
    ("entry", "revision"),
    [
        (item("a", "loaded", 1), "2024-08-02 03:04:05.678901"),
        (item("a", "claimed", 1), "2024-08-02 03:04:05.678901"),
        (item("a", "failed", 1, error="InfluxUnavailableError"), "2024-08-02 03:04:05.678901"),
        (failed_item("a", 1), ""),
        (item("a", "skipped", 1), ""),
    ],
)
def test_a_newer_file_has_the_slot_unless_it_needs_a_person(ledger: "Table", entry: Any, revision: str) -> None:
    put_newer(ledger, entry)
    assert Slots(Deployment(STACK_NAME)).newer_revision(OLDER) == revision
    assert Slots(Deployment(STACK_NAME)).newer_revision(NEWER) == ""


def test_an_earlier_version_of_a_newer_file_keeps_the_slot(ledger: "Table") -> None:
    """As in ValidateSchema: its points are stored, although the newest version failed for good."""
    put_newer(ledger, item("a", "loaded", 2, version="v1"))
    put_newer(ledger, failed_item("a", 1, version="v2"))
    assert Slots(Deployment(STACK_NAME)).newer_revision(OLDER) == "2024-08-02 03:04:05.678901"


def test_a_revision_that_is_a_group_of_a_key_pattern_has_the_slot(
    ledger: "Table", monkeypatch: pytest.MonkeyPatch
) -> None:
    declare_pattern(monkeypatch)
    put_newer(ledger, item("a", "loaded", 1), "raw/N/v2/a.parquet")
    revisions = [Slots(Deployment(STACK_NAME)).newer_revision(f"raw/N/v{version}/a.parquet") for version in (1, 2, 3)]
    assert revisions == ["2", "", ""]


def test_a_slot_is_read_once_for_all_its_files(ledger: "Table") -> None:
    for name in "abc":
        put_newer(ledger, item(name, "loaded", 1))
    deployment = Deployment(STACK_NAME)
    slots, operations = Slots(deployment), list[str]()
    deployment.ledger.meta.client.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: operations.append(model.name)
    )
    assert all(slots.newer_revision(key_of(1, name)) for name in "abc")
    assert operations == ["Query", "BatchGetItem"]


def test_plan_and_retry_say_that_an_older_revision_is_skipped(s3: "S3Client", ledger: "Table") -> None:
    put_newer(ledger, item("a", "loaded", 1))
    version = s3.put_object(Bucket=SOURCE, Key=OLDER, Body=parquet(generation(2)))["VersionId"]
    older = {"object": object_name(SOURCE, OLDER), "error": "InfluxUnavailableError"}
    put_items(ledger, item("b", "failed", 1, version=version) | older)
    plan = json.loads(run_loader("plan", f"s3://{SOURCE}/{OLDER}", "--json").stdout)
    assert plan["message"] == "would be skipped: older revision than 2024-08-02 03:04:05.678901"
    [retried] = json.loads(run_loader("retry", "--json").stdout)
    assert retried["skipped"] == "older revision than 2024-08-02 03:04:05.678901"
