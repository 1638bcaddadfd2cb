"""The limits on the rows of one part. Exceeding one fails the load before anything of the part is staged."""

from numpy import int64
from numpy.typing import NDArray

from functions.convert_and_chunk.verdicts import Verdicts
from shared.errors import CollidingRecordsError, InvalidRecordsError

LISTED_ROWS = 5
"""The number of rows that an error message lists."""


def check_collisions(
    colliding: NDArray[int64], tag_candidates: list[str], first_row: int, rows: int, max_rate: float
) -> None:
    """Check that few rows collide: if many do, the tags of the dataset do not identify its series.

    Args:
        colliding: The colliding rows of the part, ascending.
        tag_candidates: The columns that would distinguish them as a tag.
        first_row: The row of the file with which the part begins.
        rows: The number of rows of the part.
        max_rate: The share of rows that may collide.

    Raises:
        CollidingRecordsError: More rows collide.
    """
    if len(colliding) > max_rate * rows:
        advice = (
            f"declare one of {', '.join(tag_candidates)} as a tag"
            if tag_candidates
            else "no single column distinguishes them, so remove the rows that repeat a series and time"
        )
        listed_rows = ", ".join(str(row + first_row) for row in colliding[:LISTED_ROWS])
        raise CollidingRecordsError(
            f"{len(colliding)} of {rows} rows have the series and time of a later row but another value of a field "
            f"(MAX_COLLISION_RATE, or that of the dataset, is {max_rate}), first rows {listed_rows}: {advice}"
        )


def check_invalid(verdicts: Verdicts, first_row: int) -> None:
    """Raise InvalidRecordsError if any row is set aside.

    Args:
        verdicts: The verdicts on the rows of the part.
        first_row: The row of the file with which the part begins.
    """
    if counts := ", ".join(f"{count} {rule}" for rule, count in verdicts.set_aside.items()):
        examples = "; ".join(
            f"row {row + first_row}: {verdicts.reason(verdicts.codes[row]).text}"
            for row in verdicts.set_aside_rows[:LISTED_ROWS]
        )
        raise InvalidRecordsError(
            f"invalid records, and DROP_INVALID_RECORDS is false: {counts}; {examples}; "
            "correct these rows, or set DROP_INVALID_RECORDS to true to quarantine them"
        )
