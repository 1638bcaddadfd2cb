"""Slots of a dataset with a key pattern, whose revision is a group: in any order, only the newest one is loaded."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared.datasets import DATASETS
from shared.ledger import ledger
from shared.slots import Slot, slot_name
from tests.functional.conftest import SOURCE
from tests.support.builders import generation, parquet
from tests.support.slots import SlotLoad, declare_pattern, declare_two_in_one_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.usefixtures("ledger")

SKIPPED = "older revision than 2, which is loaded or being loaded"


@pytest.fixture
def load(s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> "Callable[..., SlotLoad]":
    """A load of a file of a revision."""
    declare_pattern(monkeypatch)

    def load_of(version: int, region: str = "N") -> SlotLoad:
        key = f"raw/{region}/v{version}/a.parquet"
        s3.put_object(Bucket=SOURCE, Key=key, Body=parquet(generation(1, region=None)))
        return SlotLoad(s3, context, key)

    return load_of


def test_a_file_of_an_older_revision_is_skipped(load: Any) -> None:
    newer, older, of_another_slot = load(2), load(1), load(1, "SE")
    assert newer.start()["rows"] == 1
    assert older.start()["skipped"] == SKIPPED
    newer.settle("loaded")
    assert older.start()["skipped"] == SKIPPED
    assert of_another_slot.start()["rows"] == 1


def test_a_file_of_a_newer_revision_waits_for_an_older_one(load: Any) -> None:
    older, newer = load(1), load(2)
    assert older.start()["rows"] == 1
    assert newer.start()["not_before"]
    older.settle("loaded")
    assert newer.look()["rows"] == 1


def test_a_file_that_an_earlier_release_loaded_has_its_revision(load: Any) -> None:
    newer, older = load(2), load(1)
    newer.settle("loaded")
    assert older.start()["skipped"] == SKIPPED


def test_the_items_of_the_slot_have_the_revisions_of_the_keys(load: Any) -> None:
    for version in (1, 2):
        load(version).start()
    content = Slot(ledger(), slot_name(SOURCE, "raw/N/v1/a.parquet", DATASETS["generation"])).read()
    assert (content.head, [file["revision"] for file in content.files]) == ("2", ["1", "2"])


@pytest.mark.parametrize("begun_by_an_earlier_release", [False, True])
def test_datasets_with_files_in_the_same_folders_have_slots_of_their_own(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *, begun_by_an_earlier_release: bool
) -> None:
    declare_two_in_one_folder(monkeypatch)
    other = SlotLoad(s3, context, "raw/v2/generation_a.parquet")
    if not begun_by_an_earlier_release:
        other.start()
    other.settle("loaded")
    table = generation(1, energy_source=None, power_mw=None, consumer_type=["home"], consumption_mwh=[1.0])
    s3.put_object(Bucket=SOURCE, Key="raw/v1/consumption_a.parquet", Body=parquet(table))
    assert SlotLoad(s3, context, "raw/v1/consumption_a.parquet").start()["skipped"] == ""
