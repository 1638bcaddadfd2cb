"""The limits on rows that are set aside. Exceeding one fails the load before its first write to InfluxDB."""

from collections.abc import Sequence

from numpy import int64
from numpy.typing import NDArray

from functions.convert_and_chunk.verdicts import Verdicts
from shared.datasets import dataset_of
from shared.errors import CollidingRecordsError, InvalidRecordsError
from shared.load_totals import Outcomes
from shared.settings import ConversionSettings
from shared.stored import SetAsideRow

LISTED_ROWS, LISTED_CHARACTERS = 5, 100
"""The number of rows that an error message lists, and how much of each."""


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
            f"(MAX_COLLISION_RATE is {max_rate}), first rows {listed_rows}: {advice}"
        )


def max_set_aside_rate(key: str, settings: ConversionSettings) -> float:
    """Return the share of rows that may be set aside: that of the dataset, or else `MAX_SET_ASIDE_RATE`."""
    rate = dataset_of(key).max_set_aside_rate
    return settings.max_set_aside_rate if rate is None else rate


def check_set_aside(outcomes: Outcomes, rows: int, max_rate: float) -> None:
    """Check that few rows of a file are set aside. Rows whose fields are all null do not count.

    Args:
        outcomes: The outcomes of all parts of the file.
        rows: The number of rows of the file.
        max_rate: The share of rows that may be set aside.

    Raises:
        InvalidRecordsError: More rows are set aside. The message has the most frequent reasons, each with an example.
    """
    all_null = sum(part.get("all_null", 0) for part in outcomes.parts)
    counted = sum(outcomes.set_aside.values()) - all_null
    if counted > max_rate * rows:
        reasons = "; ".join(
            f"{reason['rows']} {reason['rule']} ({reason['reason']}), for example row {_sample(reason['samples'])}"
            for reason in outcomes.reasons[:LISTED_ROWS]
        )
        raise InvalidRecordsError(
            f"{counted} of {rows} rows would be set aside (MAX_SET_ASIDE_RATE is {max_rate}): {reasons}; correct the "
            "rows, or raise the limit of the dataset or of all datasets to load the others"
        )


def _sample(samples: Sequence[SetAsideRow]) -> str:
    values = ", ".join(f"{name}={value}" for name, value in samples[0]["record"].items())
    return f"{samples[0]['source_row']}: {values[:LISTED_CHARACTERS]}"


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
