"""The limits on the rows and points of a whole load.

`check_set_aside` and `check_any_points` judge what was converted, `check_rejected` what InfluxDB answered. The limit on
series is in `shared/series_limit.py`.
"""

from collections.abc import Sequence

from shared.dataset_keys import dataset_of
from shared.datasets import Dataset
from shared.errors import InvalidRecordsError, NoValidRecordsError, RefusedPointsError
from shared.events import PlannedFile
from shared.load_totals import Outcomes
from shared.plausible_times import format_span, time_limits, unit_hint
from shared.stored import REJECTED, SetAsideRow

MIN_REJECTED = 100
"""The number of rejected points that a load may have whatever its size, as long as others are stored."""

LISTED_REASONS, LISTED_CHARACTERS = 5, 100
"""The number of reasons that an error message lists, and how much of each one's example."""


def set_aside_limit(dataset: Dataset, max_rate: float) -> float:
    """Return the share of rows that may be set aside: that of the dataset, or else `MAX_SET_ASIDE_RATE`."""
    return max_rate if dataset.max_set_aside_rate is None else dataset.max_set_aside_rate


def collision_limit(dataset: Dataset, max_rate: float) -> float:
    """Return the share of rows that may collide: that of the dataset, or else `MAX_COLLISION_RATE`."""
    return max_rate if dataset.max_collision_rate is None else dataset.max_collision_rate


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
            for reason in outcomes.reasons[:LISTED_REASONS]
        )
        raise InvalidRecordsError(
            f"{counted} of {rows} rows would be set aside (MAX_SET_ASIDE_RATE is {max_rate}): {reasons}; correct the "
            "rows, or raise the limit of the dataset or of all datasets to load the others"
        )


def _sample(samples: Sequence[SetAsideRow]) -> str:
    values = ", ".join(f"{name}={value}" for name, value in samples[0]["record"].items())
    return f"{samples[0]['source_row']}: {values[:LISTED_CHARACTERS]}"


def check_any_points(outcomes: Outcomes, file: PlannedFile) -> None:
    """Raise NoValidRecordsError if the file has rows but none of them became a point."""
    if file["rows"] and not outcomes.points:
        counts = ", ".join(f"{rows} {rule}" for rule, rows in outcomes.set_aside.items())
        raise NoValidRecordsError(
            f"all {file['rows']} rows of s3://{file['bucket']}/{file['key']} were set aside ({counts})"
            f"{_time_hint(outcomes, file)}: read the reasons in the report"
        )


def _time_hint(outcomes: Outcomes, file: PlannedFile) -> str:
    """Return why times are not plausible, as far as the outcomes tell, if they are not in most of the rows."""
    wrong = sum(outcomes.set_aside.get(rule, 0) for rule in ("implausible_time", "timestamp_out_of_range"))
    if 2 * wrong < file["rows"]:
        return ""
    advice = "; the times are probably in another unit than the column's type, or `epoch` of the dataset, says"
    spans = [span for part in outcomes.parts if (span := part.get("implausible_span"))]
    if not spans:
        return advice
    first_ns, last_ns = min(span[0] for span in spans), max(span[1] for span in spans)
    limits = time_limits(dataset_of(file["key"]), file["parts"][0].get("last_modified", 0))
    hint = unit_hint(first_ns, last_ns, limits)
    return f"{advice}: they are {format_span(first_ns, last_ns)}" + (f"; {hint}" if hint else "")


def check_rejected(outcomes: Outcomes, max_rate: float) -> None:
    """Check at the end of a load that InfluxDB stored enough of its points.

    Raises:
        RefusedPointsError: No point is stored or superseded, or more than `max_rate` of them, and more than
            MIN_REJECTED, are rejected or may be.
    """
    accounts, limit = outcomes.accounts, max(MIN_REJECTED, max_rate * outcomes.points)
    lost = accounts.rejected + accounts.unknown
    any_values = accounts.stored or accounts.superseded
    if not lost or (any_values and lost <= limit):
        return
    reason = next((reason for reason in outcomes.reasons if reason["rule"] == REJECTED), None)
    example = f": {reason['reason']}, for example row {reason['samples'][0]['source_row']}" if reason else ""
    problem = (
        "all points" if accounts.rejected == outcomes.points else f"{accounts.rejected} of {outcomes.points} points"
    )
    problem += f", and it is unknown whether it stored {accounts.unknown} others" if accounts.unknown else ""
    problem += f" (MAX_REJECTED_RATE is {max_rate})" if any_values else ""
    raise RefusedPointsError(
        f"InfluxDB rejected {problem}{example}; correct the bucket (its field types, its retention period), then load "
        "the file again"
    )
