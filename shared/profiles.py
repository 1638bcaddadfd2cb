"""The profile of a part: a few numbers of its fields over time, from which the report draws its charts.

ConvertAndChunk stores it as JSON in the outcome of the part (`shared/stored.py`).
"""

from typing import NamedTuple, NotRequired, TypedDict


class Bin(NamedTuple):
    """One bin of a field's histogram over time, a list of five numbers in JSON.

    It covers the times from `number` * `bucket_ns` up to, but not including, (`number` + 1) * `bucket_ns`.
    """

    number: int
    values: int
    low: float
    mean: float
    high: float


class GroupProfile(TypedDict):
    """The course of the fields in groups of series, each of which has one value of `tag`.

    `fields` has the bins of each field by the value of the tag, "" for series without it.
    """

    tag: str
    bucket_ns: int
    fields: dict[str, dict[str, list[Bin]]]


class Profile(TypedDict):
    """The course of a part's fields over time: bins of `bucket_ns` nanoseconds, without those that have no value.

    `bucket_ns` of one profile divides that of any coarser one, so that profiles can be merged. `groups` is absent if no
    tag divides the series into a few groups, and in outcomes of former releases.
    """

    first_ns: int
    last_ns: int
    bucket_ns: int
    fields: dict[str, list[Bin]]
    groups: NotRequired[GroupProfile]


class TagValues(TypedDict):
    """The values that a tag has in the points of a part. `names` is empty if they are too many to list."""

    count: int
    names: list[str]
