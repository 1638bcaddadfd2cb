"""`loader undo` says how the undo ended, and its exit status is 0 only if everything is as it should be."""

import json
from typing import Any

import pytest

from shared.ledger import LedgerItem
from tests.functional.cli.conftest import SHARING_KEY, WRONG_KEY
from tests.support.command_line import run_loader
from tests.support.deletion import state
from tests.support.scripted_aws import ScriptedAws
from tests.support.stale_points import Rewrites


@pytest.mark.parametrize(
    ("options", "health", "exit_code", "text"),
    [
        ((), {}, 1, "2 points of the undone load may still be stored: `loader stale "),
        (("--no-delete",), {}, 0, "2 points of the undone load may still be stored"),
        ((), {"version": "3.9.6"}, 1, "2 points of the undone load may still be stored"),
    ],
    ids=["DeletePoints removes nothing", "--no-delete", "InfluxDB 3"],
)
def test_the_files_are_listed_and_what_is_left(
    wrong: LedgerItem, aws: ScriptedAws, options: Any, health: Any, *, exit_code: int, text: str
) -> None:
    aws.results |= {"delete": state(removed=0, rewritten=0), "health": health}
    result = run_loader("undo", wrong["load_id"], "--yes", *options)
    assert result.exit_code == exit_code
    assert result.stdout.startswith(f"undone  {WRONG_KEY}\nloaded  {SHARING_KEY}\nloaded  {WRONG_KEY}\n")
    assert text in result.stdout
    assert ("deletion " in result.stdout) == (not options and not health)
    history = json.loads(run_loader("history", "--status", "undone", "--json").stdout)
    assert [(each["object"], each["status"]) for each in history] == [(wrong["object"], "undone")]
    assert "undone with loader undo by arn:aws:" in history[0]["message"]
    assert "\nundone with loader undo by arn:aws:" in run_loader("show", wrong["load_id"]).stdout
    verified = run_loader("verify", wrong["load_id"])
    assert (verified.exit_code, "nothing to verify: undone with loader undo" in verified.stderr) == (2, True)


def test_an_undo_that_something_is_in_the_way_of_is_shown_by_the_status(
    rewritten: Rewrites, wrong: LedgerItem, aws: ScriptedAws
) -> None:
    aws.results["delete"] = {"errorType": "ValueError", "errorMessage": "broken"}
    result = run_loader("undo", wrong["load_id"], "--yes")
    assert (result.exit_code, "not complete: deletion " in result.stderr) == (1, True)
    refused = run_loader("undo", "dataset=generation/none", "--yes")
    assert (refused.exit_code, "the ledger has no load of" in refused.stderr) == (2, True)
