"""What `loader history` and `loader retry` choose from the ledger."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cli.ledger import Entry, Filter, entry_of, last_of_each

START = datetime(2024, 1, 1, tzinfo=UTC)


def entry(hours: int = 0, **changes: Any) -> Entry:
    claimed = START + timedelta(hours=hours)
    item = {
        "object": "s3://source/dataset=generation/a.parquet",
        "version": "v",
        "status": "loaded",
        "dataset": "generation",
        "load_id": "0" * 16,
        "execution": "arn:run",
        "claimed_at": claimed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "settled_at": (claimed + timedelta(seconds=5)).isoformat(),
        "input_rows": Decimal(10),
    }
    return entry_of(item | changes)


def test_an_item_of_the_ledger_is_read() -> None:
    found = entry(3)
    assert (found.claimed_at, found.input_rows, found.error) == (START + timedelta(hours=3), 10, "")
    assert found.settled_at == found.claimed_at + timedelta(seconds=5)


def test_a_load_under_way_has_no_end() -> None:
    item = {"object": "s3://b/k", "status": "claimed", "execution": "arn:run", "claimed_at": "2024-01-01T00:00:00Z"}
    assert entry_of(item).settled_at is None


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Filter(), True),
        (Filter(prefix="s3://source/dataset=gen"), True),
        (Filter(prefix="source/dataset=gen"), True),
        (Filter(prefix="dataset=gen"), False),
        (Filter(status="failed"), False),
        (Filter(dataset="consumption"), False),
        (Filter(since=START), True),
        (Filter(since=START + timedelta(seconds=1)), False),
    ],
)
def test_a_filter_takes_what_was_asked_for(wanted: Filter, taken: bool) -> None:
    assert wanted.takes(entry()) is taken


def test_what_was_loaded_after_it_failed_is_loaded() -> None:
    newest_first = [entry(2), entry(1, status="failed"), entry(0, status="failed", object="s3://source/b")]
    last = last_of_each(newest_first)
    assert [(name, each.status) for name, each in last.items()] == [
        ("s3://source/dataset=generation/a.parquet", "loaded"),
        ("s3://source/b", "failed"),
    ]
