"""Why InfluxDB refused points of a chunk, with a few of them, for the load report."""

from collections import defaultdict
from collections.abc import Mapping

from shared.stored import REJECTED, RejectedPoint, SetAsideReason, SetAsideRow

REASONS, SAMPLES, CHARACTERS = 5, 3, 400
"""So many at most: of 800 chunks each may be refused for its own reasons."""


def reasons(refused: Mapping[int, RejectedPoint]) -> list[SetAsideReason]:
    """The most frequent answers of the server, each with the first points that got it; by source row."""
    by_answer: dict[str, list[RejectedPoint]] = defaultdict(list)
    for source_row in sorted(refused):
        by_answer[refused[source_row]["message"]].append(refused[source_row])
    frequent = sorted(by_answer, key=lambda answer: -len(by_answer[answer]))[:REASONS]
    return [_reason(answer[:CHARACTERS], by_answer[answer]) for answer in frequent]


def _reason(answer: str, points: list[RejectedPoint]) -> SetAsideReason:
    samples = [_sample(point) for point in points[:SAMPLES]]
    return {"rule": REJECTED, "reason": answer, "rows": len(points), "samples": samples}


def _sample(point: RejectedPoint) -> SetAsideRow:
    return {"source_row": point["source_row"], "record": {"line": point["line"][:CHARACTERS]}}
