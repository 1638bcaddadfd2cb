"""A response of a load, as it is printed."""

import pytest

from cli.deployed.stack import Deployment
from cli.load_result import points_by_fate, rows_table, show_result
from cli.output import console
from shared.responses import ConversionStats, LoadData
from tests.functional.conftest import WORK
from tests.support.scripted_aws import STACK

STATS: ConversionStats = {
    "input_rows": 10,
    "output_points": 7,
    "conversion_rate": 0.7,
    "refused_points": 1,
    "collapsed_rows": 1,
    "set_aside_rows": {"missing_tag": 2},
    "fields_left_out": {},
}
DATA: LoadData = {
    "points_written": 0,
    "batches_processed": 0,
    "dataset_type": "generation",
    "processing_time_seconds": 1.25,
    "conversion_stats": {**STATS, "input_rows": 0},
    "influxdb_health": None,
}


def printed(message: str, data: LoadData | None) -> list[str]:
    with console.capture() as capture:
        show_result(Deployment(STACK), message, data, "run-1")
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_every_row_is_counted_once() -> None:
    with console.capture() as capture:
        console.print(rows_table(STATS, {"stored": 2, "rejected": 1, "unknown": 3, "not_sent": 1}))
    lines = [line.split(maxsplit=1) for line in capture.get().splitlines()[1:]]
    assert [(int(count), result.strip()) for count, result in lines] == [
        (2, "points stored in InfluxDB"),
        (1, "points that InfluxDB rejected"),
        (3, "points that may be stored: InfluxDB did not acknowledge them"),
        (1, "points that were not sent"),
        (1, "collapsed: they repeat another row exactly"),
        (2, "set aside: missing_tag"),
    ]
    assert sum(int(count) for count, _ in lines) == STATS["input_rows"]


def test_a_report_of_an_earlier_release_does_not_say_what_may_be_stored() -> None:
    points = points_by_fate({**DATA, "points_written": 4, "conversion_stats": STATS})
    assert points == {"stored": 4, "rejected": 1, "not_written": 2}


@pytest.mark.usefixtures("aws")
def test_a_load_is_printed_with_where_to_find_more() -> None:
    lines = printed("Data loaded successfully", {**DATA, "key": "k", "load_id": "0123", "report": "reports/g/0/r.json"})
    assert lines == [
        "k loaded",
        "Data loaded successfully",
        "load 0123",
        "execution run-1",
        "duration 1.2 s",
        f"report s3://{WORK}/reports/g/0/r.json",
        f"page s3://{WORK}/reports/g/0/r.html",
    ]


@pytest.mark.usefixtures("aws")
def test_a_load_that_stored_only_a_part_is_not_said_to_be_successful() -> None:
    data: LoadData = {
        **DATA,
        "conversion_stats": STATS,
        "verdict": "partly loaded",
        "key": "k",
        "load_id": "0123456789",
    }
    lines = printed("Data loaded successfully", data)
    assert (lines[0], "Data loaded successfully" in lines) == ("k partly loaded", False)
    assert lines[-1].startswith("Not every row is in InfluxDB: `loader quarantine 01234567`")


@pytest.mark.usefixtures("aws")
def test_a_failure_is_printed_with_its_error_and_remedy() -> None:
    lines = printed("[503] no", {**DATA, "key": "k", "error": "InfluxUnavailableError"})
    assert lines[:2] == ["k failed", "InfluxUnavailableError: [503] no"]
    assert "InfluxUnavailableError" in lines
    assert any(line.startswith("what now The operator of the database must check") for line in lines)
    assert 'loader load "s3://source/k"' in lines


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("reason", "offers_force"), [("already loaded", True), ("superseded by version v2", False)])
def test_only_an_object_that_is_loaded_is_worth_a_force(reason: str, offers_force: bool) -> None:  # noqa: FBT001
    lines = printed(f"Skipped: {reason}", {**DATA, "bucket": "s", "key": "k"})
    assert lines[0] == "k skipped"
    assert (lines[-1] == "To load it again, run `loader load s3://s/k --force`.") is offers_force


@pytest.mark.usefixtures("aws")
def test_a_failure_that_is_not_ours_has_no_data() -> None:
    assert printed("Task timed out", None) == ["failed", "Task timed out", "execution run-1"]
