"""`loader verify`: what a load sent, against an InfluxDB in which points are changed and removed."""

import json
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import generation
from tests.support.command_line import run_loader
from tests.support.finished_load import StoringInflux, load_file
from tests.support.ledger_entries import item, put_items
from tests.support.revised_files import finish, hours, key_of, put
from tests.support.scripted_influx import Reply, ScriptedInflux
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client


def test_an_untouched_load_is_equal_also_where_points_were_rejected(load: Any) -> None:
    result = run_loader("verify", load["load_id"])
    assert (result.exit_code, result.stdout[:6]) == (0, "equal ")
    assert result.stdout.startswith("equal  47 values in ")
    assert "with differences" not in result.stdout


def test_a_changed_and_a_missing_value_are_described_with_what_to_do(load: Any, database: StoringInflux) -> None:
    first, second, *_ = sorted(database.points, key=lambda point: point[1])
    database.points[first] = {"power_mw": 99.5}
    del database.points[second]
    result = run_loader("verify", load["load_id"])
    assert (result.exit_code, result.stdout.startswith("differs  47 values in ")) == (1, True)
    assert re.match(r".* windows?; [12] windows? with differences\n", result.stdout)
    assert f"power_mw at {first[1]}: 0.0 was sent, is now 99.5" in result.stdout
    assert f"power_mw at {second[1]}: 1.0 was sent, is missing" in result.stdout
    assert f"To write them again, run `loader load s3://{SOURCE}/{load['key']} --force`." in result.stdout


def test_for_programs_each_window_counts_what_differs(load: Any, database: StoringInflux) -> None:
    first, *_ = sorted(database.points, key=lambda point: point[1])
    del database.points[first]
    result = json.loads(run_loader("verify", load["load_id"], "--json").stdout)
    assert (result["stale"], result["stale_not_checked"]) == (0, "")
    windows = result["windows"]
    assert list(windows[0]) == [
        "first_ns",
        "end_ns",
        "sent",
        "found",
        "sent_hash",
        "found_hash",
        "missing",
        "changed",
        "differences",
        "equal",
    ]
    differing = [window for window in windows if not window["equal"]]
    assert [(window["missing"], window["changed"]) for window in differing] == [(1, 0)]
    assert differing[0]["first_ns"] <= first[1] < differing[0]["end_ns"]
    assert sum(window["sent"] for window in windows) == 47


@pytest.mark.parametrize("words", [["dataset=generation/"], [f"s3://{SOURCE}/"], ["dataset=generation/a.parquet"]])
def test_a_prefix_verifies_the_loaded_files_one_line_each(
    load: Any, ledger: "Table", database: StoringInflux, words: list[str]
) -> None:
    put_items(ledger, loaded(load), item("b.parquet", "failed", 1))
    result = run_loader("verify", *words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"equal\t{load['load_id'][:8]}\t{load['key']}\t47 values in 47 windows",
        "1 file: 1 equal, 0 differing, 0 not verified",
    ]
    database.points.popitem()
    result = run_loader("verify", *words)
    assert (result.exit_code, result.stdout.startswith("differs")) == (1, True)
    assert result.stdout.splitlines()[-1] == "1 file: 0 equal, 1 differing, 0 not verified"


def test_a_file_whose_stale_points_are_not_checkable_is_not_simply_equal(
    load: Any, ledger: "Table", database: StoringInflux
) -> None:
    """The version that was replaced has no footprint."""
    former = {"version": "2000-01-01T00:00:00Z v0", "last_modified": -1, "changed_at": "2000-01-01T00:00:00Z"}
    put_items(ledger, loaded(load), loaded(load) | former | {"load_id": "f" * 16, "sequencer": "", "footprint": ""})
    for words in (load["load_id"], "dataset=generation/"):
        result = run_loader("verify", words)
        assert (result.exit_code, result.stdout.startswith("equal")) == (2, True)
        reason = "a replaced version has no footprint"
        assert f"equal, but stale points of 1 file were not all checked: {reason}. " in result.stdout
    [summary] = json.loads(run_loader("verify", "dataset=generation/", "--json").stdout)
    assert (summary["stale"], bool(summary["stale_not_checked"])) == (0, True)


def test_a_load_of_a_former_release_is_equal_if_nothing_may_have_been_replaced(
    load: Any, ledger: "Table", s3: "S3Client"
) -> None:
    """Its item names no footprint. One in the work bucket may be that of an earlier execution."""
    put_items(ledger, loaded(load) | {"footprint": ""})
    result = run_loader("verify", "dataset=generation/")
    assert (result.exit_code, "current files have no footprint: run `loader footprints`" in result.stdout) == (2, True)
    for stored in s3.list_objects_v2(Bucket=WORK, Prefix=load["footprint"]["prefix"])["Contents"]:
        s3.delete_object(Bucket=WORK, Key=stored["Key"])
    for words in (load["load_id"], "dataset=generation/"):
        result = run_loader("verify", words)
        assert (result.exit_code, "stale" in result.stdout) == (0, False)


def test_a_file_that_cannot_be_verified_does_not_stop_the_others(load: Any, ledger: "Table") -> None:
    expired = {**item("0.parquet", "loaded", 1), "report": "reports/generation/gone.json"}
    put_items(ledger, loaded(load), expired)
    result = run_loader("verify", "dataset=generation/")
    assert result.exit_code == 2
    first, second, total = result.stdout.splitlines()
    assert first.startswith("unverified")
    assert first.endswith("reports/generation/gone.json does not exist, or has expired")
    assert second.startswith("equal")
    assert total == "2 files: 1 equal, 0 differing, 1 not verified"


def test_an_error_of_influxdb_ends_the_command_in_its_words(load: Any, ledger: "Table", influx: ScriptedInflux) -> None:
    put_items(ledger, loaded(load))
    error = {"results": [{"statement_id": 0, "error": "max-select-series limit exceeded: (5/2)"}]}
    influx.fallback = lambda request: Reply(200, "" if request.headers["Accept"] == "application/csv" else error)
    for words in (load["load_id"], "dataset=generation/"):
        result = run_loader("verify", words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "max-select-series limit exceeded: (5/2)" in result.stderr


def test_a_prefix_without_loaded_files_is_refused(ledger: "Table", database: StoringInflux) -> None:
    put_items(ledger, item("b.parquet", "failed", 1))
    result = run_loader("verify", "dataset=generation/")
    assert (result.exit_code, "no file under 'dataset=generation/' is loaded" in result.stderr) == (2, True)


def test_a_load_whose_points_were_all_rejected_is_not_equal(
    s3: "S3Client", context: SimpleNamespace, database: StoringInflux, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only earlier releases ended such a load well, so this one is reported without today's check."""
    monkeypatch.setattr("functions.report_load.handler.check_rejected", lambda *_: None)
    database.rejected = "generation_data"
    data = load_file(s3, context, "dataset=generation/bad.parquet", generation(3))
    result = run_loader("verify", data["load_id"])
    assert (result.exit_code, "InfluxDB rejected every point of this load" in result.stderr) == (2, True)


def test_a_load_whose_points_are_all_superseded_has_nothing_to_verify(
    s3: "S3Client", ledger: "Table", context: SimpleNamespace, database: StoringInflux
) -> None:
    put(s3, key_of(0, 2), hours("SE", 0, 5, 2.0))
    put(s3, key_of(0, 1), hours("SE", 1, 3, 1.0))
    newer, older = StepwiseLoad(s3, context, key_of(0, 2), "newer"), StepwiseLoad(s3, context, key_of(0, 1), "older")
    finish(newer, older)
    reason = "nothing to verify: newer files have values for all points of this load"
    load_id = older.state["file"]["load_id"]
    one = run_loader("verify", load_id)
    assert (one.exit_code, one.stdout) == (0, f"superseded  {reason}\n")
    assert json.loads(run_loader("verify", load_id, "--json").stdout)["windows"] == []
    for load in (newer, older):
        put_items(ledger, loaded(load.data) | {"object": load.state["file"]["claim"]["object"]})
    both = run_loader("verify", "dataset=generation/")
    assert (both.exit_code, both.stdout.splitlines()[-1]) == (
        0,
        "2 files: 1 equal, 0 differing, 0 not verified, 1 superseded",
    )


def test_a_sample_reads_some_windows(load: Any, database: StoringInflux) -> None:
    result = run_loader("verify", load["load_id"], "--sample", "5")
    assert result.exit_code == 0
    assert re.match(r"equal  [45] values in [45] of 48 windows\n", result.stdout)


def loaded(load: Any) -> dict[str, Any]:
    """The item of this load in the ledger, with its footprint."""
    footprint = load["footprint"]
    times = {name: footprint[name] for name in ("measurement", "first_time", "last_time", "calendar")}
    about = {"load_id": load["load_id"], "report": load["report"], "footprint": footprint["prefix"]}
    return {**item("a.parquet", "loaded", 2), **times, **about}
