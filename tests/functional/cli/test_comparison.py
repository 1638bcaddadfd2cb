"""Sent values against stored ones: windows, counts, checksums."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from cli import comparison
from cli.comparison import MAX_EXAMPLES, MAX_WINDOWS, Window, width_for
from cli.errors import QueryError
from cli.sent_points import SentPoints
from cli.stored_points import StoredPoints
from shared.datasets import DATASETS
from shared.influx import Influx
from shared.settings import influx_settings
from tests.support.finished_load import StoringInflux
from tests.support.scripted_aws import ScriptedAws
from tests.support.scripted_influx import Reply, ScriptedInflux

GENERATION = DATASETS["generation"]
HOUR_NS = 3_600 * 10**9
TAGS = "energy_source=hydro,measurement_type=verified,region"


def line(region: str, hour: int, value: float) -> str:
    return f"generation_data,{TAGS}={region} power_mw={value} {hour * HOUR_NS}"


def compare(folder: Path, lines: list[str], aws: ScriptedAws, width_ns: int = 2 * HOUR_NS) -> list[Window]:
    settings = influx_settings(aws.environments["write"])
    folder.mkdir(exist_ok=True)
    sent = SentPoints(GENERATION.field_names, folder / "points", width_ns)
    sent.add([pa.array(lines)])
    stored = StoredPoints(Influx(settings), settings.bucket, GENERATION, sent.table)
    return comparison.compare(sent, stored, lambda _: None)


def store(database: StoringInflux, *lines: str) -> None:
    for series, fields, time in (text.rsplit(" ", 2) for text in lines):
        database.points[series, int(time)] = {"power_mw": float(fields.partition("=")[2])}


@pytest.mark.parametrize(("hours", "width"), [(1, 1), (MAX_WINDOWS, 1), (MAX_WINDOWS + 1, 2), (4 * MAX_WINDOWS, 4)])
def test_windows_are_doubled_until_they_are_few_enough(hours: int, width: int) -> None:
    assert width_for(0, (hours - 1) * HOUR_NS, HOUR_NS) == width * HOUR_NS


def test_what_is_stored_as_it_was_sent_is_equal(tmp_path: Path, aws: ScriptedAws, database: StoringInflux) -> None:
    lines = [line(region, hour, hour + 0.1) for region in ("S", "N") for hour in range(5)]
    store(database, *lines)
    windows = compare(tmp_path, lines, aws)
    assert [window.first_ns for window in windows] == [0, 2 * HOUR_NS, 4 * HOUR_NS]
    assert [window.sent for window in windows] == [4, 4, 2]
    assert all(window.equal and not window.differences for window in windows)


def test_hashes_do_not_depend_on_the_order_of_the_lines(
    tmp_path: Path, aws: ScriptedAws, database: StoringInflux
) -> None:
    lines = [line(region, hour, hour) for region in ("S", "N") for hour in range(2)]
    [forward], [backward] = (compare(tmp_path, order, aws) for order in (lines, lines[::-1]))
    assert forward.sent_hash == backward.sent_hash


def test_changed_and_missing_values_are_counted_and_some_described(
    tmp_path: Path, aws: ScriptedAws, database: StoringInflux
) -> None:
    lines = [line("S", hour, hour) for hour in range(20)]
    store(database, *lines[:10])
    database.points[f"generation_data,{TAGS}=S", 0] = {"power_mw": 0.5}
    [window] = compare(tmp_path, lines, aws, width_ns=100 * HOUR_NS)
    assert (window.sent, window.stored, window.changed, window.missing) == (20, 10, 1, 10)
    assert not window.equal
    assert len(window.differences) == MAX_EXAMPLES
    assert window.differences[:2] == [
        f"generation_data,{TAGS}=S power_mw at 0: 0.0 was sent, is now 0.5",
        f"generation_data,{TAGS}=S power_mw at {10 * HOUR_NS}: 10.0 was sent, is missing",
    ]


def test_two_changes_that_keep_the_sum_of_the_values_are_found(
    tmp_path: Path, aws: ScriptedAws, database: StoringInflux
) -> None:
    store(database, line("S", 0, 2.0), line("S", 1, 1.0))
    [window] = compare(tmp_path, [line("S", 0, 1.0), line("S", 1, 2.0)], aws)
    assert (window.changed, window.equal) == (2, False)


def test_points_of_other_loads_are_left_out(tmp_path: Path, aws: ScriptedAws, database: StoringInflux) -> None:
    store(database, line("S", 0, 1.0), line("N", 0, 7.0), line("S", 1, 8.0))
    [window] = compare(tmp_path, [line("S", 0, 1.0)], aws)
    assert (window.sent, window.stored, window.equal) == (1, 1, True)


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_query_that_fails_gives_no_verdict(
    tmp_path: Path, aws: ScriptedAws, database: StoringInflux, influx: ScriptedInflux, status: int
) -> None:
    influx.fallback = lambda _: Reply(status, {"message": "the server's words"})
    with pytest.raises(QueryError, match="the server's words"):
        compare(tmp_path, [line("S", 0, 1.0)], aws)


@pytest.mark.parametrize("hour", [-2_562_047, 2_562_046])
def test_the_first_and_the_last_window_of_time_are_clamped(
    tmp_path: Path, aws: ScriptedAws, database: StoringInflux, hour: int
) -> None:
    lines = [line("S", hour, 1.0)]
    store(database, *lines)
    [window] = compare(tmp_path, lines, aws, width_ns=1024 * HOUR_NS)
    assert window.equal
    assert -(2**63) < window.first_ns <= hour * HOUR_NS < window.end_ns < 2**63 - 1
    assert all(abs(int(number)) < 2**63 - 1 for query in database.queries for number in re.findall(r"\d{19,}", query))


def test_an_error_of_one_of_several_queries_gives_no_verdict(
    tmp_path: Path,
    aws: ScriptedAws,
    database: StoringInflux,
    influx: ScriptedInflux,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparison, "BLOCK_POINTS", 2)
    lines = [line("S", hour, hour) for hour in range(40)]
    store(database, *lines)
    [window] = compare(tmp_path / "equal", lines, aws, width_ns=100 * HOUR_NS)
    assert (window.equal, window.stored, len(database.queries)) == (True, 40, 20)
    answer = influx.fallback
    influx.fallback = lambda request: (
        Reply(500, {"message": "the server's words"})
        if f">= {10 * HOUR_NS} " in request.query["q"]
        else answer(request)
    )
    with pytest.raises(QueryError, match="the server's words"):
        compare(tmp_path / "error", lines, aws, width_ns=100 * HOUR_NS)
    assert len(database.queries) < 20 + 10
