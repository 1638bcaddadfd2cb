"""The steps of a deletion as a command calls them, and what it says of their end."""

import pytest

from cli.deletion import execute, show_state
from cli.deployed.stack import Deployment
from cli.errors import RefusedError
from shared.settings import STACK_NAME
from tests.support.deletion import state
from tests.support.scripted_aws import ScriptedAws


def test_an_error_that_cannot_heal_ends_the_command_and_says_how_to_continue(aws: ScriptedAws) -> None:
    aws.outputs["DeletePointsName"] = "delete"
    aws.results["delete"] = {"errorType": "InfluxUnauthorizedError", "errorMessage": "the token lacks permission"}
    with pytest.raises(
        RefusedError, match="deletion d1 is not complete: InfluxUnauthorizedError: the token lacks"
    ) as it:
        execute(Deployment(STACK_NAME), "d1")
    assert "To give it up and write everything back, run `loader restore d1`" in str(it.value)
    with pytest.raises(RefusedError, match="To continue it, run `loader restore d1` again"):
        execute(Deployment(STACK_NAME), "d1", restore=True)


def test_the_end_is_described_with_the_command_that_undoes_it(capsys: pytest.CaptureFixture[str]) -> None:
    foreign = "generation_data,region=N,sensor=7 at 5"
    show_state("d1", state(foreign=[foreign]))
    assert capsys.readouterr().out.splitlines() == [
        "deletion d1: 5 stale points removed",
        "3 current points removed and written again",
        f"not removed, since another program wrote a point there: {foreign}",
        "To write everything back that it removed, run `loader restore d1`.",
    ]


def test_a_deletion_that_ended_early_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    show_state("d1", state(status="outdated", removed=0, rewritten=0, waits_for=["s3://source/a"]))
    assert "It ended early: s3://source/a was loaded after the plan was made." in capsys.readouterr().out
