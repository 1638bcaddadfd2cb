"""The execution of deletions and restores: one call of DeletePoints after the other, and what they report."""

import time

from cli.deployed.deletions import StepError, call
from cli.deployed.stack import Deployment
from cli.errors import RefusedError
from cli.output import console, quantity, stderr
from shared.deletion.records import FINAL, DeletionState

POLL_SECONDS = 5.0
"""How long to wait between two looks at what a deletion waits for."""

TOO_OLD = "they are older than the retention period of the bucket"

ATTEMPTS = 6
"""How often to repeat a step that fails with an error that may heal."""


def execute(deployment: Deployment, deletion: str, *, restore: bool = False) -> DeletionState:
    """Do all steps of a deletion, or of its restore, and return how it ended.

    Raises:
        RefusedError: A step fails again and again. The deletion can be continued.
    """
    shown = ""
    while True:
        state = _step(deployment, deletion, restore=restore)
        if state["status"] == "waiting":
            text = f"waiting for {state['waits_for'][0]}"
        else:
            text = f"{state['finished']} of {quantity(state['requests'], 'request')} done"
        if text != shown:
            stderr.print(text, style="dim", soft_wrap=True, markup=False)
            shown = text
        if state["status"] in FINAL:
            return state
        if state["status"] == "waiting":
            time.sleep(POLL_SECONDS)


def _step(deployment: Deployment, deletion: str, *, restore: bool) -> DeletionState:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return call(deployment, deletion, restore=restore)
        except StepError as error:
            if not error.may_heal or attempt == ATTEMPTS:
                raise RefusedError(_advice(deletion, str(error), restore=restore)) from error
            time.sleep(2.0**attempt)
    raise AssertionError(deletion)


def _advice(deletion: str, message: str, *, restore: bool) -> str:
    again = f"`loader restore {deletion}`" if restore else "the same command, or `loader stale --delete`,"
    end = "" if restore else f". To give it up and write everything back, run `loader restore {deletion}`"
    return f"deletion {deletion} is not complete: {message}. To continue it, run {again} again{end}"


def has_removed_all(state: DeletionState) -> bool:
    """Return whether a deletion removed everything that was planned."""
    return state["status"] == "done" and not state["foreign"] and not state["doubts"]


def show_state(deletion: str, state: DeletionState) -> None:
    """Print how a deletion ended, and how to undo it."""
    _write(f"deletion {deletion}: {quantity(state['removed'], 'stale point')} removed")
    if state["rewritten"]:
        _write(f"{quantity(state['rewritten'], 'current point')} removed and written again")
    if expired := state.get("expired"):
        _write(f"{quantity(expired, 'current point')} removed and not written again: {TOO_OLD}")
    for text in state["foreign"]:
        _write(f"not removed, since another program wrote a point there: {text}")
    for text in state["doubts"]:
        _write(f"in doubt: {text}")
    if state["status"] == "outdated":
        _write(f"It ended early: {state['waits_for'][0]} was loaded after the plan was made. Run the command again.")
    if state["status"] == "refused":
        _write(f"It ended early: {state['waits_for'][0]}.")
    if state["removed"]:
        _write(f"To write everything back that it removed, run `loader restore {deletion}`.")


def _write(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)
