"""Files of a dataset whose newest revision replaces the older ones, and their items in the ledger."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from functions.validate_schema.handler import lambda_handler as validate_schema
from shared.dataset_keys import dataset_of
from shared.datasets import DATASETS
from shared.ledger import ledger, object_name
from tests.functional.conftest import LEDGER, SOURCE
from tests.support.builders import generation, parquet

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SLOT = "dataset=generation/month=01/"


def declare_replacing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the newest revision of the dataset generation replace the older ones."""
    declare(monkeypatch, revisions="replace")


def declare(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Change the declaration of the dataset generation."""
    declared = DATASETS["generation"]
    monkeypatch.setitem(vars(DATASETS)["_datasets"], "generation", replace(declared, **changes))


def declare_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the newest revision replace the older ones, and give the dataset generation a key pattern."""
    pattern = "raw/{region}/v{version}/*.parquet"
    declare(monkeypatch, revisions="replace", revision="version", key_pattern=pattern, path_tags=("region",))


def declare_two_in_one_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give two datasets files in the same folders of revisions. The newest revision of each replaces its older ones."""
    for name in ("generation", "consumption"):
        pattern = f"raw/v{{version}}/{name}_*.parquet"
        declared = replace(DATASETS[name], revisions="replace", revision="version", key_pattern=pattern)
        monkeypatch.setitem(vars(DATASETS)["_datasets"], name, declared)


def key_of(day: int, name: str = "a", slot: str = SLOT) -> str:
    """Return the key of a file of the revision of this day; without a folder if it is 0."""
    revision = f"processing_metadata_processed_at=2024-08-{day:02} 03:04:05.678901/" if day else ""
    return f"{slot}{revision}{name}.parquet"


class SlotLoad:
    """A load of a file, from PinSource to its plan, in the ledger as the state machine writes it."""

    def __init__(
        self, s3: "S3Client", context: SimpleNamespace, key: str, *, force: bool = False, **more: bool
    ) -> None:
        self._context: Any = context
        self._table = ledger()
        self._dataset = dataset_of(key).name
        if "Contents" not in s3.list_objects_v2(Bucket=SOURCE, Prefix=key):
            s3.put_object(Bucket=SOURCE, Key=key, Body=parquet(generation(1)))
        execution = {"id": f"arn:{key}", "name": "run", "start_time": "2024-01-01T00:00:00Z"}
        event = {"bucket": SOURCE, "key": key, "force": force, **more}
        self.state: dict[str, Any] = {"event": event, "execution": execution}
        self.state["file"] = self._call("PinSource")

    def start(self) -> Mapping[str, Any]:
        """Claim the version and look whose turn it is."""
        self.settle("claimed", claimed_at=self._claim["now"], lease_until=self._claim["lease_until"])
        return self.look()

    def look(self) -> Mapping[str, Any]:
        """Look whose turn it is: the load is skipped, waits, or has a plan."""
        self.state["file"] = self._call("ValidateSchema")
        if self.state["file"]["skipped"]:
            self.settle("skipped", message=self.state["file"]["skipped"])
        return dict(self.state["file"])

    def settle(self, status: str, **more: Any) -> None:
        """Write the item of the version."""
        facts = {name: self._claim[name] for name in ("object", "version", "last_modified", "sequencer")}
        facts |= {"execution": self.state["execution"]["id"], "dataset": self._dataset}
        self._table.put_item(Item={**facts, "status": status, "changed_at": self._claim["now"], **more})

    @property
    def item(self) -> dict[str, Any]:
        """The item of the version."""
        key = {"object": self._claim["object"], "version": self._claim["version"]}
        return dict(self._table.get_item(Key=key, ConsistentRead=True)["Item"])

    @property
    def _claim(self) -> Mapping[str, Any]:
        return dict(self.state["file"]["claim"])

    def _call(self, state: str) -> Mapping[str, Any]:
        return dict(validate_schema({"state": state, "input": self.state}, self._context))  # type: ignore[typeddict-item]


def slot_items() -> list[dict[str, Any]]:
    """Return the items of the slot."""
    items = boto3.resource("dynamodb").Table(LEDGER).scan()["Items"]
    return [item for item in items if item["object"] == f"slot:{object_name(SOURCE, SLOT)}"]
