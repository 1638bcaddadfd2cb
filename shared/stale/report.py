"""The report of a search for stale points. Functions without Arrow read it, too."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

if TYPE_CHECKING:
    from shared.events import Failure

EXAMPLES = 5
"""How many points a report names."""

NAMED = 20
"""How many series or objects a report names."""


class StaleExample(TypedDict):
    """One stale point. `fields` are those that no current file has."""

    series: str
    time: str
    fields: list[str]


class StaleSeries(TypedDict):
    """The stale points of one series, from the first to the last."""

    series: str
    points: int
    first_time: str
    last_time: str


class StaleReport(TypedDict):
    """What a search found. Of series and objects, it names the first `NAMED`.

    Attributes:
        points: the points that are stored and that no current file contains, or not with all of their fields.
        uncertain: the points of which nobody can know whether they are stored.
        rejected: the points that InfluxDB rejected, or may have: they are probably not stored.
        series_count: how many series the stale points have.
        series: these series, those with most points first.
        examples: some stale points.
        not_checkable: the current objects without a footprint; if there are any, nothing was searched.
        not_checkable_count: how many.
        unknown: the replaced objects without a footprint, whose points nobody knows.
        unknown_count: how many.
        not_judged: the objects that are judged later, since files of a newer revision may still arrive.
        running: the objects that are being loaded.
        unfinished: true if the search took too long, so that there may be more; absent otherwise.
    """

    points: int
    uncertain: int
    rejected: int
    series_count: int
    series: list[StaleSeries]
    examples: list[StaleExample]
    not_checkable: list[str]
    not_checkable_count: int
    unknown: list[str]
    unknown_count: int
    not_judged: list[str]
    running: list[str]
    unfinished: NotRequired[bool]


def describe_stale(stale: "StaleReport | Failure", name: str) -> str:
    """Return what a person must know about the search after a load; "" if there is nothing.

    `name` is the prefix that lists the stale points: the key of the file.

    >>> names = ("not_checkable_count", "not_judged", "uncertain", "unknown_count")
    >>> report = {**dict.fromkeys(names, 0), "points": 1}
    >>> describe_stale(report, "a")
    "1 stale point: the file that this one replaced had it, and no current file has. `loader stale 'a'` lists it"
    >>> describe_stale({**report, "unknown_count": 2, "not_judged": ["b"]}, "a").count("; ")
    2
    >>> describe_stale({**report, "points": 0, "unknown_count": 1}, "a").partition(", ")[0]
    'the points of 1 replaced file without a footprint are unknown'
    >>> describe_stale({**report, "points": 0, "unfinished": True}, "a")
    "the search for stale points took too long for the load, and is not finished: run `loader stale 'a'`"
    >>> describe_stale({"Error": "Sandbox.Timedout", "Cause": ""}, "a")
    "the search for stale points ended with Sandbox.Timedout: repeat it with `loader stale 'a'`"
    """
    command = f"`loader stale '{name}'`"
    if "Error" in stale:
        return f"the search for stale points ended with {cast('Failure', stale)['Error']}: repeat it with {command}"
    return "; ".join(_sentences(stale, command))


def _sentences(stale: StaleReport, command: str) -> Iterator[str]:
    """Yield what is stale, and then what the search could not find out."""
    if count := stale["points"]:
        subject, them = ("1 stale point", "it") if count == 1 else (f"{count:,} stale points", "them")
        cause = f"the file that this one replaced had {them}, and no current file has"
        yield f"{subject}: {cause}. {command} lists {them}"
    if stale.get("unfinished"):
        yield f"the search for stale points took too long for the load, and is not finished: run {command}"
    if count := stale["not_checkable_count"]:
        files = "1 current file has" if count == 1 else f"{count:,} current files have"
        yield f"stale points are not checkable, since {files} no footprint. Run `loader footprints`, then {command}"
    if count := stale["unknown_count"]:
        files, them = ("1 replaced file", "it") if count == 1 else (f"{count:,} replaced files", "them")
        yield f"the points of {files} without a footprint are unknown, so some may be stale. {command} names {them}"
    if count := stale["uncertain"]:
        yield f"{count:,} points may be stale: it is not known whether InfluxDB stores them. {command} has more"
    if stale["not_judged"]:
        yield f"the older revision is judged when no file has arrived for a while. {command} lists its points then"
