"""FindStale: what a load replaced is searched before the load is settled, recorded, and counted."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functions.find_stale.check import check_load
from functions.find_stale.handler import lambda_handler
from shared.aws_clients import s3_client
from shared.datasets import Field
from shared.ledger import ledger
from shared.times import utc_seconds
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish, hours, item_of, key_of
from tests.support.slots import declare, declare_replacing
from tests.support.stale_checks import add_to_slot, check, counts, judge, let_all_be_due, stale_records
from tests.support.stale_points import Rewrites
from tests.support.stepwise_load import StepwiseLoad

KEY, OTHER = key_of(0, 1), key_of(1, 1)
FILE = hours("SE", 0, 4, 1.0)


@pytest.fixture
def rewrites(s3: Any, context: SimpleNamespace, server: StoringInflux) -> Rewrites:
    return Rewrites(s3, context)


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
    assert counts() == [(f"s3://source/{KEY}", 1)]
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
    assert counts() == [(f"s3://source/{KEY}", 2)]
    load = rewrites.start(KEY, FILE)
    report = check(rewrites, context, load)
    assert (report["points"], counts()) == (0, [(f"s3://source/{KEY}", 0)])
    rewrites.settle(load, "loaded")
    let_all_be_due()
    judge(context)
    assert counts() == []


def test_a_file_without_rows_makes_all_points_of_the_version_before_stale(rewrites: Rewrites, context: Any) -> None:
    rewrites.load(KEY, FILE)
    load = rewrites.start(KEY, {})
    rewrites.settle(load, "claimed")
    event: Any = {"state": "FindStale", "input": load.state}
    assert lambda_handler(event, context)["points"] == 4  # type: ignore[index]


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
    judge(context)
    assert [points for _, points in counts()] == [0]
    let_all_be_due()
    judge(context)
    assert counts() == [("s3://source/dataset=generation/year=2024/month=01/", 1)]


def load_again(rewrites: Rewrites, context: Any, first: StepwiseLoad) -> StepwiseLoad:
    """Begin another load of the same version."""
    again = StepwiseLoad(rewrites.s3, context, first.state["file"]["key"], "run-again")
    again.state["file"]["claim"] = first.state["file"]["claim"]
    return again


@pytest.mark.parametrize("attributes", [("footprint", "measurement", "first_time", "last_time"), ()])
def test_points_of_another_file_are_current_also_after_another_load_of_the_only_version(
    rewrites: Rewrites, context: Any, monkeypatch: pytest.MonkeyPatch, attributes: tuple[str, ...]
) -> None:
    """A field is no longer declared. Of its four points, another file has three. An item may lack the former times."""
    first = rewrites.load(KEY, FILE | hours("SE", 0, 4, 1.0, "efficiency"))
    other = rewrites.load(OTHER, hours("SE", 0, 3, 5.0, "efficiency"))
    times = {name: item_of(first)[name] for name in attributes}
    declare(monkeypatch, fields=(Field(name="power_mw", unit="MW"),))
    again = load_again(rewrites, context, first)
    report = check(rewrites, context, again, **times)
    assert (report["points"], report["not_checkable"]) == (1, [])
    assert other.data["points"]["stored"] == 3


def test_a_load_that_replaced_nothing_reads_no_footprint_of_its_slot(
    rewrites: Rewrites, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare_replacing(monkeypatch)
    for slot in range(3):
        add_to_slot(rewrites.load(key_of(slot, 1), FILE))
    load = rewrites.start(key_of(0, 2), FILE)
    add_to_slot(load)
    rewrites.settle(load, "claimed")
    finish(load)
    prefixes = []
    client = s3_client()
    client.meta.events.register("before-parameter-build.s3.ListObjectsV2", lambda params, **_: prefixes.append(params))
    report = check_load(client, ledger(), load.state, datetime.now(UTC), lambda: 600_000)  # type: ignore[arg-type]
    assert len(report["not_judged"]) == 3
    assert [each["Prefix"] for each in prefixes] == [f"footprints/generation/{load.state['file']['load_id']}/"]


def test_a_search_that_takes_too_long_says_that_it_is_not_finished(rewrites: Rewrites, context: Any) -> None:
    rewrites.load(KEY, FILE)
    load = rewrites.start(KEY, hours("SE", 0, 2, 1.0))
    short = SimpleNamespace(**vars(context) | {"get_remaining_time_in_millis": lambda: 20_000})
    report = check(rewrites, short, load)
    assert (report["points"], report["unfinished"]) == (0, True)
    [record] = stale_records()
    assert (record["points"], record["due_at"] > utc_seconds(datetime.now(UTC) + timedelta(hours=23))) == (0, True)
    load.state["stale"] = report
    load.report()
    page = rewrites.s3.get_object(Bucket="work", Key=load.data["report"].replace(".json", ".html"))["Body"].read()
    assert b"took too long for the load, and is not finished" in page


def test_a_check_that_takes_too_long_keeps_the_former_count(rewrites: Rewrites, context: Any) -> None:
    rewrites.load(KEY, FILE)
    load = rewrites.start(KEY, hours("SE", 0, 2, 1.0))
    check(rewrites, context, load)
    rewrites.settle(load, "loaded")
    let_all_be_due()
    remaining = iter((600_000,))
    judge(context, lambda: next(remaining, 20_000))
    [record] = stale_records()
    assert (record["points"], record["due_at"] > utc_seconds(datetime.now(UTC) + timedelta(hours=23))) == (2, True)
