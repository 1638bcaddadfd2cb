"""What fails a load before its first write, although each row has its place."""

from functions.convert_and_chunk.records import Records
from shared.errors import CollidingRecordsError, InvalidRecordsError
from shared.settings import ConversionSettings

NAMED_ROWS = 5
"""A message names so many rows."""


def check_collisions(records: Records, first_row: int, apart: list[str], settings: ConversionSettings) -> None:
    """Too many rows would overwrite each other. Raises CollidingRecordsError."""
    colliding = records.verdicts.set_aside.get("collision", 0)
    if colliding > settings.max_collision_rate * records.rows:
        advice = f"declare one of {', '.join(apart)} as a tag" if apart else "no single column keeps them apart"
        raise CollidingRecordsError(
            f"{colliding} of {records.rows} rows give a series and time values that later rows contradict "
            f"(MAX_COLLISION_RATE {settings.max_collision_rate}): {advice}; {_named(records, first_row)}"
        )


def check_invalid(records: Records, first_row: int, settings: ConversionSettings) -> None:
    """Rows were set aside, and may not be. Raises InvalidRecordsError."""
    if records.verdicts.set_aside and not settings.drop_invalid_records:
        counts = ", ".join(f"{count} {rule}" for rule, count in records.verdicts.set_aside.items())
        raise InvalidRecordsError(
            f"invalid records ({counts}), and DROP_INVALID_RECORDS is false: {_named(records, first_row)}"
        )


def _named(records: Records, first_row: int) -> str:
    rows = records.verdicts.set_aside_rows[:NAMED_ROWS]
    return "; ".join(
        f"row {row + first_row}: {records.verdicts.reason(records.verdicts.codes[row]).text}" for row in rows
    )
