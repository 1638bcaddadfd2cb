"""`loader rebuild`: its options, and what it says of its end. What it does is in test_rebuild.py of `cli`."""

import pytest

from cli.commands.rebuild import _exit_status, _show
from cli.deployed.executions import Execution
from cli.rebuild import RebuildResult
from tests.support.command_line import run_loader
from tests.support.deletion import state
from tests.support.scripted_aws import ScriptedAws


def execution(status: str, message: str = "Data loaded successfully", **data: str) -> Execution:
    response = {"message": message, "data": data}
    return Execution(arn="a", key="a.parquet", status=status, state="", error="", response=response)


LOADED, FAILED, SKIPPED = execution("SUCCEEDED"), execution("FAILED"), execution("SUCCEEDED", "Skipped: already")
PARTLY = execution("SUCCEEDED", verdict="partly loaded")


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (RebuildResult({}, {"a": LOADED}, [], 0), 0),
        (RebuildResult({}, {}, [], 0), 0),
        (RebuildResult({}, {"a": LOADED, "b": PARTLY}, [], 0), 3),
        (RebuildResult({}, {"a": LOADED, "b": FAILED}, [], 0), 1),
        (RebuildResult({}, {"a": SKIPPED}, [], 0), 1),
        (RebuildResult({}, {"a": LOADED}, [], 5), 1),
        (RebuildResult({}, {"a": LOADED}, [], None), 1),
        (RebuildResult({}, {"a": LOADED}, ["b"], 0), 1),
        (RebuildResult({}, {"a": LOADED}, [], 0, {"b": "a replaced version has no footprint"}), 1),
        (RebuildResult({"d1": state(foreign=["x"])}), 1),
    ],
)
def test_only_a_complete_rebuild_succeeds(result: RebuildResult, expected: int) -> None:
    assert _exit_status(result) == expected


def test_the_end_says_what_was_done_and_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    result = RebuildResult({"d1": state()}, {"a": LOADED, "b": FAILED}, ["s3://source/c"], 0, {"s3://source/d": "why"})
    _show(result)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "deletion d1: 5 stale points removed",
        "3 current points removed and written again",
        "To write everything back that it removed, run `loader restore d1`.",
    ]
    assert lines[-3:] == [
        "not loaded again, since a newer version has arrived, or its load was undone: s3://source/c",
        "no stale points are known to be left",
        "s3://source/d may have left more: why",
    ]
    _show(RebuildResult({"d1": state(foreign=["x"])}))
    assert "The rebuild is not complete: no file was loaded again." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("first", "end", "message"),
    [
        ("2024-01-02", "2024-01-02", "--from 2024-01-02 is not before --to 2024-01-02"),
        ("2024-01-02", "soon", "'soon' is not a time"),
        ("", "2024-01-02", "an empty text is not a time"),
    ],
)
def test_a_time_that_is_none_is_refused(aws: ScriptedAws, first: str, end: str, message: str) -> None:
    result = run_loader("rebuild", "--dataset", "generation", "--from", first, "--to", end)
    assert (result.exit_code, message in result.stderr) == (2, True)


def test_an_unknown_dataset_is_refused(aws: ScriptedAws) -> None:
    result = run_loader("rebuild", "--dataset", "wind", "--from", "2024-01-01", "--to", "2024-01-02")
    assert (result.exit_code, "unknown dataset 'wind'" in result.stderr) == (2, True)
