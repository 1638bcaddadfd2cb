"""The timeline of a load: when each state ran, with one lane for each state and for each kind of wait.

`lanes` collects the times when each state ran (`_states`), adds the pauses before and between its runs, and converts
them to bars in percent of the load's time (`_lane`, `_bar`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple

from shared.events import ChunksToWrite, FileRef, LoadState, Span
from shared.load_totals import Outcomes
from shared.responses import LoadReport
from shared.stored import ChunkOutcome, PartOutcome

Kind = Literal["run", "wait", "pause", "failed"]
WAITS = ("WaitForOlder", "WaitForInflux")


class Stretch(NamedTuple):
    """A period of time."""

    start: datetime
    end: datetime


class Bar(NamedTuple):
    """A bar, with its position and width in percent of the load's time. A `pause` precedes a run or a retry."""

    kind: Kind
    left: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The lane of one state. In `seconds` of the load's time, at least one of its `runs` was running."""

    state: str
    runs: int
    seconds: float
    failed: bool
    bars: list[Bar]


def failed_state(state: LoadState, outcomes: Outcomes) -> str:
    """Return the state that failed: the first whose result is missing, since an error does not name its state."""
    file = state.get("file")
    if not file:
        return "PinSource"
    if "health" not in state:
        return "Claim" if state["error"]["Error"].startswith("DynamoDB.") else "CheckHealth"
    if "ValidateSchema" not in file["ran"] or file["not_before"]:
        return "ValidateSchema"
    if "converted" not in state:
        return "ConvertAndChunk"
    if "series" not in state and any(part.get("file_parts", 1) > 1 for part in file["parts"]):
        return "CheckSeries"
    return _failed_comparison(state["converted"], state["file"]) or _failed_delivery(state["converted"], outcomes)


def _failed_comparison(converted: ChunksToWrite, file: FileRef) -> str:
    """Return the state that failed before RegisterLoad, which replaces the keys of the states before; "" if none did.

    Executions of a former release, whose parts do not have `file_parts`, did not compare them.
    """
    if "written" in converted or not any(part.get("file_parts", 1) > 1 for part in file["parts"]):
        return ""
    if "losing" not in converted:
        return "CompareParts"
    return "ConvertAgain" if converted["losing"] and "again" not in converted else ""


def _failed_delivery(converted: ChunksToWrite, outcomes: Outcomes) -> str:
    """Return the state that failed after the conversion."""
    if outcomes.unwritten_chunks or outcomes.points_rejected:
        return "WriteBatch" if outcomes.chunks or "written" in converted else "RegisterLoad"
    return "ReportLoad" if _is_confirmed(converted) else "ConfirmWritten"


def _is_confirmed(converted: ChunksToWrite) -> bool:
    """Return whether ConfirmWritten had nothing more to write; executions of a former release do not have it."""
    if "written" not in converted:
        return True
    return converted["written"] and not converted["chunks"] and not converted.get("not_before")


def lanes(report: LoadReport, outcomes: Outcomes, reported_at: datetime, now: datetime) -> list[Lane]:
    """Return the lanes from the start of the execution until now.

    Args:
        report: The report of the load.
        outcomes: The outcomes of the load.
        reported_at: When ReportLoad or ReportFailure started.
        now: The end of the timeline.
    """
    whole = Stretch(datetime.fromisoformat(report["execution"]["start_time"]), now)
    reporting = "ReportFailure" if report["failed_state"] else "ReportLoad"
    result: list[Lane] = []
    # `before` is the end of the previous state: the pause of the next state starts there, or its failure.
    before = whole.start
    for state, runs in (*_states(report, outcomes), (reporting, [Stretch(reported_at, now)])):
        pauses = [Stretch(before, min(runs).start)] if runs and state not in WAITS else []
        pauses += _between_runs(outcomes.chunks, "") if state == "WriteBatch" else []
        before = max([before, *(run.end for run in runs)])
        failures = [Stretch(before, reported_at)] if state == report["failed_state"] else []
        if runs or failures:
            result.append(_lane(state, runs, pauses, failures, whole))
        before = reported_at if failures else before
    return result


def _states(report: LoadReport, outcomes: Outcomes) -> Iterator[tuple[str, list[Stretch]]]:
    """Yield the states in their order, each with the times when it ran; without any if no run of it is recorded."""
    ran = dict(report["file"].get("ran", {})) if report["file"] else {}
    if report["health"]:
        ran["CheckHealth"] = report["health"]["ran"]
    for state in ("PinSource", "Claim", "CheckHealth", "WaitForOlder", "ValidateSchema"):
        yield state, [_stretch(ran[state])] if state in ran else []
    yield "ConvertAndChunk", [_part_stretch(part) for part in outcomes.parts]
    for state in ("CheckSeries", "CompareParts", "ConvertAgain"):
        yield state, []
    yield "WriteBatch", [_stretch(run) for chunk in outcomes.chunks for run in chunk["runs"]]
    yield "WaitForInflux", list(_between_runs(outcomes.chunks, "WaitForInflux"))


def _between_runs(chunks: Iterable[ChunkOutcome], then: str) -> Iterator[Stretch]:
    """Yield the time between runs of a chunk, where the state `then` follows; for "", failed runs that were retried."""
    for chunk in chunks:
        for one, other in pairwise(chunk["runs"]):
            if one["then"] == then:
                yield Stretch(_stretch(one).end, _stretch(other).start)


def _stretch(span: Span) -> Stretch:
    return Stretch(datetime.fromisoformat(span["started_at"]), datetime.fromisoformat(span["ended_at"]))


def _part_stretch(part: PartOutcome) -> Stretch:
    start = datetime.fromisoformat(part["started_at"])
    return Stretch(start, start + timedelta(seconds=part["seconds"]))


def _lane(state: str, runs: list[Stretch], pauses: list[Stretch], failures: list[Stretch], whole: Stretch) -> Lane:
    kinds: tuple[tuple[Kind, list[Stretch]], ...] = (
        ("pause", pauses),
        ("failed", failures),
        ("wait" if state in WAITS else "run", runs),
    )
    bars = [_bar(kind, stretch, whole) for kind, stretches in kinds for stretch in stretches]
    return Lane(
        state=state, runs=len(runs), seconds=_covered_seconds(runs or failures), failed=bool(failures), bars=bars
    )


def _bar(kind: Kind, stretch: Stretch, whole: Stretch) -> Bar:
    percent = 100 / max((whole.end - whole.start).total_seconds(), 0.001)
    left = (stretch.start - whole.start).total_seconds() * percent
    return Bar(kind, left, max(0.0, (stretch.end - stretch.start).total_seconds() * percent))


def _covered_seconds(stretches: Iterable[Stretch]) -> float:
    """Return the seconds in which at least one of the stretches was running.

    Example: stretches from 0 to 4, 2 to 5 and 7 to 8 s cover 6 s.
    """
    seconds, until = 0.0, None
    for start, end in sorted(stretches):
        begin = max(start, until) if until else start
        seconds += max(0.0, (end - begin).total_seconds())
        until = max(end, until) if until else end
    return seconds
