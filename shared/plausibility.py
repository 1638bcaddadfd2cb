"""What a file would do to InfluxDB, judged before its first write: its times, its series, and the shards it touches.

`plausibility` summarizes the outcomes of all parts, with warnings and notes for people. `loader plan`, the report and
its page show the same summary.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from shared.datasets import Dataset
from shared.load_totals import Outcomes
from shared.plausible_times import format_span

DEFAULT_SHARD_SECONDS = 7 * 86_400
"""InfluxDB's shard group duration for buckets that keep their points for more than six months."""

MAX_SHARDS = 200
"""The number of shards above which to warn: each costs InfluxDB memory and files."""

YEAR_1_S = 62_135_596_800
"""The seconds from year 1 to 1970. InfluxDB's shard groups begin at multiples of their duration since year 1."""


class Plausibility(TypedDict):
    """The summary.

    Attributes:
        first_ns: the first time of the points; None without points.
        last_ns: the last time of the points; None without points.
        series: the number of series, counted for each part of the file, so it is an upper bound for several parts.
        shards: the number of shards with points, at most.
        shard_seconds: the shard group duration.
        shard_duration: whether the duration is that of the bucket, or the usual one.
        warnings: what may be a mistake.
        notes: what to know.
    """

    first_ns: int | None
    last_ns: int | None
    series: int
    shards: int
    shard_seconds: int
    shard_duration: Literal["bucket", "assumed"]
    warnings: list[str]
    notes: list[str]


def plausibility(outcomes: Outcomes, dataset: Dataset | None, shard_seconds: int | None) -> Plausibility:
    """Return the summary of a load.

    Args:
        outcomes: the outcomes of its parts.
        dataset: the dataset of the file, if it is known.
        shard_seconds: the shard group duration of the bucket; None if it is not known.
    """
    seconds = shard_seconds or DEFAULT_SHARD_SECONDS
    shards = count_shards(outcomes, seconds)
    first_ns, last_ns = outcomes.span or (None, None)
    return {
        "first_ns": first_ns,
        "last_ns": last_ns,
        "series": outcomes.series,
        "shards": shards,
        "shard_seconds": seconds,
        "shard_duration": "bucket" if shard_seconds else "assumed",
        "warnings": [_too_many_shards(shards, seconds)] if shards > MAX_SHARDS else [],
        "notes": _notes(outcomes, dataset),
    }


def count_shards(outcomes: Outcomes, shard_seconds: int) -> int:
    """Return how many shards the points touch, at most: a bin that is longer than a shard counts as full.

    Example with shards of 7 days: hourly points of January 2024, in bins of 3 hours, touch the shards that begin on
    January 1, 8, 15, 22 and 29, which are 5. A single point touches one shard, however long its bin is.
    """
    width, offset = shard_seconds * 10**9, YEAR_1_S * 10**9
    shards: set[int] = set()
    for part in outcomes.parts:
        if (profile := part["profile"]) is not None:
            first, last = profile["first_ns"], profile["last_ns"]
            numbers = {bin_[0] for bins in profile["fields"].values() for bin_ in bins}
            for number in numbers:
                begin, end = number * profile["bucket_ns"], (number + 1) * profile["bucket_ns"] - 1
                shards.update(range((max(begin, first) + offset) // width, (min(end, last) + offset) // width + 1))
    return min(len(shards), outcomes.points)


def shard_duration(bucket: Mapping[str, Any]) -> int | None:
    """Return the shard group duration in seconds of an entry of InfluxDB's buckets API; None if it does not tell.

    >>> shard_duration({"name": "ons", "retentionRules": [{"everySeconds": 0, "shardGroupDurationSeconds": 604800}]})
    604800
    """
    rules = bucket.get("retentionRules") or []
    return next((int(seconds) for rule in rules if (seconds := rule.get("shardGroupDurationSeconds"))), None)


def _too_many_shards(shards: int, seconds: int) -> str:
    return (
        f"the points touch up to {shards:,} shards of {format_duration(seconds)}, and each costs InfluxDB memory and "
        f"files (more than {MAX_SHARDS}): use a bucket with a longer shard group duration for data of many years"
    )


def _notes(outcomes: Outcomes, dataset: Dataset | None) -> list[str]:
    notes = []
    if dataset and any(part.get("local_times") for part in outcomes.parts):
        zone = "UTC" if dataset.zone == "UTC" else f"local times of {dataset.zone}, the zone of the dataset"
        notes.append(f"times without a zone were read as {zone}")
    spans = [span for part in outcomes.parts if (span := part.get("implausible_span"))]
    if spans:
        first_ns, last_ns = min(span[0] for span in spans), max(span[1] for span in spans)
        rows = outcomes.set_aside.get("implausible_time", 0)
        notes.append(f"{rows:,} rows with implausible times, from {format_span(first_ns, last_ns)}, were set aside")
    return notes


def format_duration(seconds: int) -> str:
    """Return a duration in the largest unit of which it is a whole number.

    >>> format_duration(604800), format_duration(3600)
    ('7 days', '1 hour')
    """
    for unit, length in (("day", 86_400), ("hour", 3_600)):
        if seconds % length == 0:
            count = seconds // length
            return f"{count:,} {unit}{'s' if count != 1 else ''}"
    return f"{seconds:,} seconds"
