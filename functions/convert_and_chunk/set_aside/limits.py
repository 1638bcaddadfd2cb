"""What fails a load before its first write, although each row has its place."""

from numpy import int64
from numpy.typing import NDArray

from functions.convert_and_chunk.verdicts import Verdicts
from shared.errors import CollidingRecordsError, InvalidRecordsError

NAMED_ROWS = 5
"""A message names so many rows."""


def check_collisions(colliding: NDArray[int64], apart: list[str], first_row: int, rows: int, max_rate: float) -> None:
    """So many of the part's `rows` would be overwritten that the tags cannot be right. Raises CollidingRecordsError.

    `apart` are the columns that would keep them apart; the part begins at `first_row` of the file.
    """
    if len(colliding) > max_rate * rows:
        advice = f"declare one of {', '.join(apart)} as a tag" if apart else "no single column keeps them apart"
        named = ", ".join(str(row + first_row) for row in colliding[:NAMED_ROWS])
        raise CollidingRecordsError(
            f"{len(colliding)} of {rows} rows have a series and time to which a later row gives other values "
            f"(MAX_COLLISION_RATE is {max_rate}), first rows {named}: {advice}"
        )


def check_invalid(verdicts: Verdicts, first_row: int) -> None:
    """Where no row may be set aside. Raises InvalidRecordsError."""
    if counts := ", ".join(f"{count} {rule}" for rule, count in verdicts.set_aside.items()):
        named = "; ".join(
            f"row {row + first_row}: {verdicts.reason(verdicts.codes[row]).text}"
            for row in verdicts.set_aside_rows[:NAMED_ROWS]
        )
        raise InvalidRecordsError(f"invalid records, and DROP_INVALID_RECORDS is false: {counts}; {named}")
