"""When each state of a load ran, as shares of its time: every state in a lane of its own, and so every wait."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from shared.events import LoadState, Span
from shared.load_totals import Outcomes
from shared.stored import ChunkOutcome, PartOutcome

Kind = Literal["run", "wait", "pause", "failed"]
WAITS = ("WaitForOlder", "WaitForInflux")


class Stretch(NamedTuple):
    """Of time."""

    start: datetime
    end: datetime


class Bar(NamedTuple):
    """`left` and `width` in percent of the load's time. A `pause` is before a run: a start, or another try."""

    kind: Kind
    left: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One state: in `seconds` of the load's time at least one of its `runs` was under way."""

    state: str
    runs: int
    seconds: float
    failed: bool
    bars: list[Bar]


def failed_state(state: LoadState, outcomes: Outcomes) -> str:
    """The first state whose result is missing, since an error does not say where it comes from."""
    file = state.get("file")
    if not file:
        return "PinSource"
    if "health" not in state:
        return "Claim" if state["error"]["Error"].startswith("DynamoDB.") else "CheckHealth"
    if "ValidateSchema" not in file["ran"] or file["not_before"]:
        return "ValidateSchema"
    if "converted" not in state:
        return "ConvertAndChunk"
    return "WriteBatch" if outcomes.unwritten_chunks or outcomes.points_rejected else "ReportLoad"


def lanes(report: Mapping[str, Any], outcomes: Outcomes, reported_at: datetime, drawn_at: datetime) -> list[Lane]:
    """From the execution's start until `drawn_at`; ReportLoad or ReportFailure began at `reported_at`."""
    whole = Stretch(datetime.fromisoformat(report["execution"]["start_time"]), drawn_at)
    reporting = "ReportFailure" if report["failed_state"] else "ReportLoad"
    found: list[Lane] = []
    before = whole.start
    for state, runs in (*_states(report, outcomes), (reporting, [Stretch(reported_at, drawn_at)])):
        pauses = [Stretch(before, min(runs).start)] if runs and state not in WAITS else []
        pauses += _between_runs(outcomes.chunks, "") if state == "WriteBatch" else []
        before = max([before, *(run.end for run in runs)])
        failures = [Stretch(before, reported_at)] if state == report["failed_state"] else []
        if runs or failures:
            found.append(_lane(state, runs, pauses, failures, whole))
        before = reported_at if failures else before
    return found


def _states(report: Mapping[str, Any], outcomes: Outcomes) -> Iterator[tuple[str, list[Stretch]]]:
    """In the order in which a load passes them; without stretches where it did not, or was not seen to."""
    ran = dict((report["file"] or {}).get("ran", {}))
    if report["health"]:
        ran["CheckHealth"] = report["health"]["ran"]
    for state in ("PinSource", "Claim", "CheckHealth", "WaitForOlder", "ValidateSchema"):
        yield state, [_stretch(ran[state])] if state in ran else []
    yield "ConvertAndChunk", [_of_part(part) for part in outcomes.parts]
    yield "WriteBatch", [_stretch(run) for chunk in outcomes.chunks for run in chunk["runs"]]
    yield "WaitForInflux", list(_between_runs(outcomes.chunks, "WaitForInflux"))


def _between_runs(chunks: Iterable[ChunkOutcome], then: str) -> Iterator[Stretch]:
    """After runs that were followed by that state; by "", those that failed and were tried again."""
    for chunk in chunks:
        for one, other in pairwise(chunk["runs"]):
            if one["then"] == then:
                yield Stretch(_stretch(one).end, _stretch(other).start)


def _stretch(span: Span) -> Stretch:
    return Stretch(datetime.fromisoformat(span["started_at"]), datetime.fromisoformat(span["ended_at"]))


def _of_part(part: PartOutcome) -> Stretch:
    start = datetime.fromisoformat(part["started_at"])
    return Stretch(start, start + timedelta(seconds=part["seconds"]))


def _lane(state: str, runs: list[Stretch], pauses: list[Stretch], failures: list[Stretch], whole: Stretch) -> Lane:
    kinds: tuple[tuple[Kind, list[Stretch]], ...] = (
        ("pause", pauses),
        ("failed", failures),
        ("wait" if state in WAITS else "run", runs),
    )
    bars = [_bar(kind, stretch, whole) for kind, stretches in kinds for stretch in stretches]
    return Lane(state=state, runs=len(runs), seconds=_under_way(runs or failures), failed=bool(failures), bars=bars)


def _bar(kind: Kind, stretch: Stretch, whole: Stretch) -> Bar:
    percent = 100 / max((whole.end - whole.start).total_seconds(), 0.001)
    left = (stretch.start - whole.start).total_seconds() * percent
    return Bar(kind, left, max(0.0, (stretch.end - stretch.start).total_seconds() * percent))


def _under_way(stretches: Iterable[Stretch]) -> float:
    """Seconds in which at least one was."""
    seconds, until = 0.0, None
    for start, end in sorted(stretches):
        begin = max(start, until) if until else start
        seconds += max(0.0, (end - begin).total_seconds())
        until = max(end, until) if until else end
    return seconds
