"""Sent values against stored ones: parsing, windows, hashes."""

import pytest

from cli.comparison import MAX_EXAMPLES, MAX_WINDOWS, SentValues, Window, compare_windows, parse_lines, width_for
from shared.datasets import DATASETS
from shared.errors import InfluxUnauthorizedError, LoaderError
from shared.influx import Influx
from shared.settings import influx_settings
from tests.support.finished_load import StoringInflux
from tests.support.scripted_aws import ScriptedAws
from tests.support.scripted_influx import Reply, ScriptedInflux

GENERATION = DATASETS["generation"]
HOUR_NS = 3_600 * 10**9
TAGS = "energy_source=hydro,measurement_type=verified,region"


def line(region: str, hour: int, value: float) -> bytes:
    return f"generation_data,{TAGS}={region} power_mw={value} {hour * HOUR_NS}".encode()


def compare(sent: SentValues, aws: ScriptedAws, width_ns: int = 2 * HOUR_NS) -> list[Window]:
    settings = influx_settings(aws.environments["write"])
    return list(compare_windows(sent, width_ns, GENERATION, Influx(settings), settings.bucket))


def store(database: StoringInflux, *lines: bytes) -> None:
    for series, fields, time in (text.decode().rsplit(" ", 2) for text in lines):
        database.points[series, int(time)] = {"power_mw": float(fields.partition("=")[2])}


def test_lines_are_values_of_which_the_last_of_a_point_counts() -> None:
    sent = parse_lines([[b"m,t=x a=1,b=2 10", b"m,t=x a=3 10"], [b"m,t=y b=4 10"]], ("a", "b"))
    assert sent.values.to_numpy().tolist() == [[0, 10, 1, 2.0], [0, 10, 0, 3.0], [1, 10, 1, 4.0]]
    assert (sent.series, sent.fields) == (["m,t=x", "m,t=y"], ("a", "b"))


def test_tag_values_may_hold_spaces_and_equals_signs() -> None:
    sent = parse_lines([[rb"m,t=a\ b\=c a=1 10"]], ("a",))
    assert (sent.series, sent.values["value"].tolist()) == ([r"m,t=a\ b\=c"], [1.0])


def test_a_negative_zero_is_what_influxdb_gives_back_for_it() -> None:
    sent = parse_lines([[b"m a=-0.0 10"]], ("a",))
    assert str(sent.values["value"].iloc[0]) == "0.0"


@pytest.mark.parametrize(("hours", "width"), [(1, 1), (MAX_WINDOWS, 1), (MAX_WINDOWS + 1, 2), (4 * MAX_WINDOWS, 4)])
def test_windows_are_doubled_until_they_are_few_enough(hours: int, width: int) -> None:
    assert width_for(0, (hours - 1) * HOUR_NS, HOUR_NS) == width * HOUR_NS


def test_what_is_stored_as_it_was_sent_is_equal(aws: ScriptedAws, database: StoringInflux) -> None:
    lines = [line(region, hour, hour + 0.1) for region in ("S", "N") for hour in range(5)]
    store(database, *lines)
    windows = compare(parse_lines([lines], GENERATION.field_names), aws)
    assert [window.first_ns for window in windows] == [0, 2 * HOUR_NS, 4 * HOUR_NS]
    assert [window.sent for window in windows] == [4, 4, 2]
    assert all(window.equal and not window.differences for window in windows)


def test_hashes_do_not_depend_on_the_order_of_the_lines(aws: ScriptedAws, database: StoringInflux) -> None:
    lines = [line(region, hour, hour) for region in ("S", "N") for hour in range(2)]
    [forward], [backward] = (
        compare(parse_lines([order], GENERATION.field_names), aws) for order in (lines, lines[::-1])
    )
    assert forward.sent_hash == backward.sent_hash


def test_changed_and_missing_values_are_counted_and_some_described(aws: ScriptedAws, database: StoringInflux) -> None:
    lines = [line("S", hour, hour) for hour in range(20)]
    store(database, *lines[:10])
    database.points[f"generation_data,{TAGS}=S", 0] = {"power_mw": 0.5}
    [window] = compare(parse_lines([lines], GENERATION.field_names), aws, width_ns=100 * HOUR_NS)
    assert (window.sent, window.stored, window.changed, window.missing) == (20, 10, 1, 10)
    assert not window.equal
    assert len(window.differences) == MAX_EXAMPLES
    assert window.differences[:2] == [
        f"generation_data,{TAGS}=S power_mw at 0: 0.0 was sent, is now 0.5",
        f"generation_data,{TAGS}=S power_mw at {10 * HOUR_NS}: 10.0 was sent, is missing",
    ]


def test_two_changes_that_keep_the_sum_of_the_values_are_found(aws: ScriptedAws, database: StoringInflux) -> None:
    store(database, line("S", 0, 2.0), line("S", 1, 1.0))
    [window] = compare(parse_lines([[line("S", 0, 1.0), line("S", 1, 2.0)]], GENERATION.field_names), aws)
    assert (window.changed, window.equal) == (2, False)


def test_points_of_other_loads_are_left_out(aws: ScriptedAws, database: StoringInflux) -> None:
    store(database, line("S", 0, 1.0), line("N", 0, 7.0), line("S", 1, 8.0))
    [window] = compare(parse_lines([[line("S", 0, 1.0)]], GENERATION.field_names), aws)
    assert (window.sent, window.stored, window.equal) == (1, 1, True)


@pytest.mark.parametrize(("status", "error"), [(401, InfluxUnauthorizedError), (500, LoaderError)])
def test_a_query_that_fails_is_the_error_of_its_status(
    aws: ScriptedAws, database: StoringInflux, influx: ScriptedInflux, status: int, error: type[Exception]
) -> None:
    influx.fallback = lambda _: Reply(status, {"message": "no"})
    with pytest.raises(error):
        compare(parse_lines([[line("S", 0, 1.0)]], GENERATION.field_names), aws)
