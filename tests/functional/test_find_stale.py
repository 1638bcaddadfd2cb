"""FindStale: what a load replaced is searched before the load is settled, recorded, and counted."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from functions.find_stale.handler import lambda_handler
from shared.datasets import DATASETS
from shared.ledger import ledger
from shared.ledger_items import ItemKey
from shared.slots import Slot, slot_file, slot_name
from shared.stale.records import StaleRecords
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish, hours, key_of
from tests.support.slots import declare_replacing
from tests.support.stale_points import Rewrites
from tests.support.stepwise_load import StepwiseLoad

KEY, OTHER = key_of(0, 1), key_of(1, 1)
FILE = hours("SE", 0, 4, 1.0)


@pytest.fixture
def rewrites(s3: Any, context: SimpleNamespace, server: StoringInflux) -> Rewrites:
    return Rewrites(s3, context)


def check(rewrites: Rewrites, context: Any, load: StepwiseLoad) -> Any:
    """Run a load up to FindStale, as the state machine does, and return its result."""
    rewrites.settle(load, "claimed")
    finish(load)
    event: Any = {"state": "FindStale", "input": load.state}
    return json.loads(json.dumps(lambda_handler(event, context)))


def records() -> list[tuple[str, int]]:
    return [(record["name"], record["points"]) for record in StaleRecords(ledger()).read()]


def test_a_load_knows_what_it_makes_stale_before_it_is_settled(
    rewrites: Rewrites, context: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_NAME", "InfluxdbLoader")
    rewrites.load(KEY, FILE)
    rewrites.load(OTHER, hours("SE", 3, 1, 5.0))
    load = rewrites.start(KEY, hours("SE", 0, 2, 1.0))
    report = check(rewrites, context, load)
    assert (report["points"], report["series_count"]) == (1, 1)
    assert [(example["time"], example["fields"]) for example in report["examples"]] == [
        ("2024-01-01T02:00:00.000000000Z", ["power_mw"])
    ]
    assert records() == [(f"s3://source/{KEY}", 1)]
    emitted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"StalePoints"' in line]
    assert [line["StalePoints"] for line in emitted] == [[1.0]]
    load.state["stale"] = report
    load.report()
    assert load.data["stale"] == report
    page = rewrites.s3.get_object(Bucket="work", Key=load.data["report"].replace(".json", ".html"))["Body"].read()
    assert b"1 stale point: the file that this one replaced had it" in page


def test_a_version_that_has_the_points_again_ends_the_record(rewrites: Rewrites, context: Any) -> None:
    rewrites.load(KEY, FILE)
    load = rewrites.start(KEY, hours("SE", 0, 2, 1.0))
    check(rewrites, context, load)
    rewrites.settle(load, "loaded")
    assert records() == [(f"s3://source/{KEY}", 2)]
    report = check(rewrites, context, rewrites.start(KEY, FILE))
    assert (report["points"], records()) == (0, [])


def test_a_file_without_rows_makes_all_points_of_the_version_before_stale(rewrites: Rewrites, context: Any) -> None:
    rewrites.load(KEY, FILE)
    load = rewrites.start(KEY, {})
    rewrites.settle(load, "claimed")
    event: Any = {"state": "FindStale", "input": load.state}
    assert lambda_handler(event, context)["points"] == 4  # type: ignore[index]


def add_to_slot(load: StepwiseLoad) -> None:
    """Add the file to its slot, as ValidateSchema does."""
    file, dataset = load.state["file"], DATASETS["generation"]
    key = ItemKey(file["claim"]["object"], file["claim"]["version"])
    Slot(ledger(), slot_name("source", file["key"], dataset)).add(slot_file(key, dataset))


def test_an_older_revision_is_judged_when_no_file_has_arrived_for_a_while(
    rewrites: Rewrites, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer revision has two files. Only the second one has the point of 03:00."""
    declare_replacing(monkeypatch)
    older = rewrites.load(key_of(0, 1), FILE)
    add_to_slot(older)
    load = rewrites.start(key_of(0, 2), hours("SE", 0, 2, 1.0))
    add_to_slot(load)
    report = check(rewrites, context, load)
    assert (report["points"], report["not_judged"]) == (0, [older.state["file"]["claim"]["object"]])
    rewrites.settle(load, "loaded")
    add_to_slot(rewrites.load(key_of(1, 2), hours("SE", 3, 1, 1.0)))
    judge: Any = {"state": "JudgeRevisions", "input": {"execution": {"name": "sweep"}}}
    lambda_handler(judge, context)
    assert [points for _, points in records()] == [0]
    [record] = StaleRecords(ledger()).read()
    StaleRecords(ledger()).put({**record, "due_at": "2024-01-01T00:00:00Z"})
    lambda_handler(judge, context)
    assert records() == [("s3://source/dataset=generation/year=2024/month=01/", 1)]
