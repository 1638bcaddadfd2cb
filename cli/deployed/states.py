"""The state of a running execution, in words: its name, and for a wait for InfluxDB why, since when, and until when."""

import json
from typing import TYPE_CHECKING, cast

from shared.events import Outage

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

RECENT_EVENTS = 20
"""How many events of the history to read: the last ones, among which at least one state begins."""


def describe_state(client: "SFNClient", arn: str) -> str:
    """Return the state that a running execution entered last; "" before the first one."""
    history = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=RECENT_EVENTS)
    entered = (event["stateEnteredEventDetails"] for event in history["events"] if "stateEnteredEventDetails" in event)
    for details in entered:
        return describe_wait(details["name"], details.get("input", "{}"))
    return ""


def describe_wait(state: str, text: str) -> str:
    """Return the name of a state, with the outage in its input if it waits for one.

    >>> outage = {"since": "2024-01-01T12:00:00Z", "give_up_at": "2024-01-01T12:30:00Z", "reason": "InfluxDB is down"}
    >>> outage |= {"not_before": "2024-01-01T12:01:20Z"}
    >>> describe_wait("WaitForInflux", json.dumps({"outage": outage}))
    'WaitForInflux since 12:00:00 UTC, next try 12:01:20, until 12:30:00 at the latest: InfluxDB is down'
    >>> describe_wait("WriteBatch", json.dumps({"outage": outage}))
    'WriteBatch'
    """
    content = json.loads(text) if state.startswith("WaitFor") else {}
    outage = cast("Outage | None", content.get("outage"))
    if not outage or not outage["since"]:
        return state
    since, not_before, give_up_at = (outage[name][11:19] for name in ("since", "not_before", "give_up_at"))
    return f"{state} since {since} UTC, next try {not_before}, until {give_up_at} at the latest: {outage['reason']}"
