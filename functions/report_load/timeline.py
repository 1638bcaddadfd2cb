"""When the states of a load ran, as shares of its time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.report_load.outcomes import Outcomes

Span = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One state: `bars` are (left, width) in percent of the load's time."""

    state: str
    seconds: float
    bars: list[tuple[float, float]]


def lanes(outcomes: Outcomes, start_time: str, end: datetime) -> list[Lane]:
    """What ran before the first part is CheckHealth and ValidateSchema; what runs after the last chunk, the report."""
    start = datetime.fromisoformat(start_time)
    parts = [_span(part["started_at"], part["seconds"]) for part in outcomes.parts]
    chunks = [
        (datetime.fromisoformat(chunk["started_at"]), datetime.fromisoformat(chunk["ended_at"]))
        for chunk in outcomes.chunks
    ]
    work = parts + chunks
    before = (start, min((began for began, _ in work), default=end))
    after = [(max(ended for _, ended in work), end)] if work else []
    states = (("CheckHealth, ValidateSchema", [before]), ("ConvertParts", parts), ("WriteChunks", chunks))
    return [_lane(state, spans, start, end) for state, spans in (*states, ("ReportLoad", after)) if spans]


def _span(started_at: str, seconds: float) -> Span:
    start = datetime.fromisoformat(started_at)
    return start, start + timedelta(seconds=seconds)


def _lane(state: str, spans: Iterable[Span], start: datetime, end: datetime) -> Lane:
    spans = list(spans)
    whole = max((end - start).total_seconds(), 0.001)
    first, last = min(began for began, _ in spans), max(ended for _, ended in spans)
    bars = [
        (100 * (began - start).total_seconds() / whole, 100 * max(0.0, (ended - began).total_seconds()) / whole)
        for began, ended in spans
    ]
    return Lane(state=state, seconds=(last - first).total_seconds(), bars=bars)
