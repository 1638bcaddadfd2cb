"""DeletePoints keeps the limits of a deletion, whatever was planned, and estimates its time from what it measures."""

import json
from typing import Any

import pytest

from functions.delete_points.limits import reason_to_refuse, reason_to_stop
from functions.delete_points.store import NOT_BEGUN
from shared.deletion.records import plan_key
from tests.functional.conftest import WORK
from tests.support.deletion_trial import CASES, CURRENT, Trial


@pytest.mark.parametrize(("seconds", "reason"), [(61.0, "one request takes 61 s, and the limit is 60")])
def test_a_plan_beyond_a_limit_deletes_nothing(trial: Trial, seconds: float, reason: str) -> None:
    stale = CASES["removed rows"]
    deletion = trial.start(stale, CURRENT)
    changed = json.dumps({**deletion, "seconds": seconds}).encode()
    trial.s3.put_object(Bucket=WORK, Key=plan_key(deletion["deletion"]), Body=changed)
    state = trial.finish(deletion)
    assert (state["status"], state["removed"]) == ("refused", 0)
    assert state["waits_for"][0].startswith(reason)
    assert trial.stored() == CURRENT | stale


@pytest.mark.parametrize(
    ("approval", "reason"),
    [
        (
            {"force": False, "reasons": ["a is only partly loaded"], "written": 100},
            "a is only partly loaded, and nobody",
        ),
        ({"force": False, "max_stale_rate": 0.1, "written": 39}, "4 of 39 points that replaced loads wrote would go"),
        ({"force": False, "max_stale_rate": 0.1, "written": 40}, ""),
        ({"force": True, "reasons": ["a is only partly loaded"], "max_stale_rate": 0.1, "written": 4}, ""),
        (None, "a former release planned it: run the command again"),
    ],
)
def test_what_speaks_against_a_deletion_needs_the_approval_of_a_person(
    approval: dict[str, Any] | None, reason: str
) -> None:
    default = {"force": True, "reasons": [], "max_stale_rate": 1.0, "written": 0}
    deletion: Any = {} if approval is None else {"approval": default | approval}
    text = reason_to_refuse(deletion, 4)
    assert text.startswith(reason) if reason else not text


def test_a_plan_that_nobody_approved_deletes_nothing(trial: Trial) -> None:
    stale = CASES["removed rows"]
    approval = {"force": False, "max_stale_rate": 0.1, "written": 39}
    state = trial.finish(trial.start(stale, CURRENT, approval=approval))
    assert (state["status"], state["removed"]) == ("refused", 0)
    assert trial.stored() == CURRENT | stale


@pytest.mark.parametrize(
    ("requests", "estimated", "measured", "reason"),
    [
        (101, 0.1, [], "it has 101 requests, and the limit is 100: rebuild the time, or a part of it"),
        (100, 6.0, [], ""),
        (100, 6.1, [], "the 100 requests that are left take about 10 minutes, and the limit is 10"),
        (100, 0.1, [12.0], "the 99 requests that are left take about 20 minutes"),
        (100, 0.1, [6.0], ""),
        (2, 0.1, [61.0], "one request takes 61 s"),
        (2, 0.1, [61.0, 1.0], ""),
    ],
)
def test_the_time_is_estimated_again_from_the_requests_that_were_measured(
    requests: int, estimated: float, measured: list[float], reason: str
) -> None:
    deletion: Any = {"seconds": estimated, "requests": [{}] * requests}
    progress: list[Any] = [{**NOT_BEGUN, "status": "done", "seconds": seconds} for seconds in measured]
    progress += [NOT_BEGUN] * (requests - len(measured))
    text = reason_to_stop(deletion, progress)
    assert text.startswith(reason) if reason else not text
