"""The most frequent reasons why InfluxDB rejected points of a chunk, with samples, for the load report."""

from collections import defaultdict
from collections.abc import Mapping

from shared.rejections import kind_of
from shared.stored import REJECTED, RejectedPoint, SetAsideReason, SetAsideRow

REASONS, SAMPLES, CHARACTERS = 5, 3, 400
"""The limits of one chunk's outcome: a load may have 800 chunks, each with reasons of its own."""


def reasons(rejected: Mapping[int, RejectedPoint]) -> list[SetAsideReason]:
    """Return the most frequent kinds of rejections, each with one full message and the first points as samples.

    Args:
        rejected: The rejected points by source row.
    """
    by_kind: dict[str, list[RejectedPoint]] = defaultdict(list)
    for source_row in sorted(rejected):
        by_kind[kind_of(rejected[source_row]["message"])].append(rejected[source_row])
    frequent = sorted(by_kind, key=lambda kind: -len(by_kind[kind]))[:REASONS]
    return [_reason(kind[:CHARACTERS], by_kind[kind]) for kind in frequent]


def _reason(kind: str, points: list[RejectedPoint]) -> SetAsideReason:
    samples = [_sample(point) for point in points[:SAMPLES]]
    return {
        "rule": REJECTED,
        "reason": kind,
        "example": points[0]["message"],
        "rows": len(points),
        "samples": samples,
    }


def _sample(point: RejectedPoint) -> SetAsideRow:
    return {"source_row": point["source_row"], "record": {"line": point["line"][:CHARACTERS]}}
