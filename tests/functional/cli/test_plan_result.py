"""What the deployment knows about a file, as a plan prints it."""

from datetime import UTC, datetime

import pytest

from cli.deployed.objects import StoredObject
from cli.plan_result import DeployedState
from shared.ledger import BucketCheck

STORED = StoredObject(address="s3://s/a", size=5, modified_at=datetime.now(UTC), version_id="v1", entry=None)


@pytest.mark.parametrize(
    ("bucket", "text"),
    [
        (None, "not loaded"),
        ("current", "not loaded"),
        ("replaced", "its InfluxDB bucket was replaced since: `loader backfill` loads it again"),
        ("not checkable", "not checkable: whether its InfluxDB bucket was replaced since"),
    ],
)
def test_the_object_that_has_the_key_is_described(bucket: BucketCheck | None, text: str) -> None:
    line = DeployedState(None, STORED, bucket).ledger
    assert line.startswith("5 B, uploaded ")
    assert line.endswith(text)


def test_without_an_object_nothing_is_said() -> None:
    assert DeployedState().ledger == ""
