"""The most frequent reasons why InfluxDB rejected points of a chunk, with samples, for the load report."""

from collections import defaultdict
from collections.abc import Mapping

from shared.stored import REJECTED, RejectedPoint, SetAsideReason, SetAsideRow

REASONS, SAMPLES, CHARACTERS = 5, 3, 400
"""The limits of one chunk's outcome: a load may have 800 chunks, each with reasons of its own."""


def reasons(rejected: Mapping[int, RejectedPoint]) -> list[SetAsideReason]:
    """Return the most frequent messages of the server, each with the first points that it was about.

    Args:
        rejected: The rejected points by source row.
    """
    by_message: dict[str, list[RejectedPoint]] = defaultdict(list)
    for source_row in sorted(rejected):
        by_message[rejected[source_row]["message"]].append(rejected[source_row])
    frequent = sorted(by_message, key=lambda message: -len(by_message[message]))[:REASONS]
    return [_reason(message[:CHARACTERS], by_message[message]) for message in frequent]


def _reason(message: str, points: list[RejectedPoint]) -> SetAsideReason:
    samples = [_sample(point) for point in points[:SAMPLES]]
    return {"rule": REJECTED, "reason": message, "rows": len(points), "samples": samples}


def _sample(point: RejectedPoint) -> SetAsideRow:
    return {"source_row": point["source_row"], "record": {"line": point["line"][:CHARACTERS]}}
