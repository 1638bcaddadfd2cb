"""The destination of the points: the measurement, the bucket, the tags with their values, and the absent fields."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.datasets import Dataset
from shared.load_totals import Outcomes
from shared.profiles import TagValues


class Tag(NamedTuple):
    """A tag of the points.

    Attributes:
        name: The name of the tag.
        values: The number of its values.
        is_minimum: Whether there may be more: the parts of the file have too many values to tell which are the same.
        names: The values; empty if they are too many.
    """

    name: str
    values: int
    is_minimum: bool
    names: list[str]


class Destination(NamedTuple):
    """The destination of the points.

    Attributes:
        measurement: The measurement.
        bucket: The InfluxDB bucket.
        tags: The tags that the points have, in the order of the declaration.
        absent_tags: The tags of the dataset that no point has.
        absent_fields: The fields of the dataset that the file does not have.
    """

    measurement: str
    bucket: str
    tags: list[Tag]
    absent_tags: list[str]
    absent_fields: list[str]


def destination(dataset: Dataset, outcomes: Outcomes, default_bucket: str) -> Destination:
    """Return the destination of a load. Before the conversion ended, nothing counts as absent."""
    parts = [part["tag_values"] for part in outcomes.parts if "tag_values" in part]
    tags = [_tag(name, values) for name in dataset.tags if (values := [part[name] for part in parts if name in part])]
    present = {tag.name for tag in tags}
    fields = {name for part in outcomes.parts if part["profile"] for name in part["profile"]["fields"]}
    return Destination(
        measurement=dataset.measurement,
        bucket=dataset.influxdb_bucket or default_bucket,
        tags=tags,
        absent_tags=[name for name in dataset.tags if present and name not in present],
        absent_fields=[name for name in dataset.field_names if fields and name not in fields],
    )


def _tag(name: str, parts: Sequence[TagValues]) -> Tag:
    """Return the values of a tag in all parts together."""
    if all(part["names"] for part in parts):
        names = sorted({value for part in parts for value in part["names"]})
        return Tag(name, len(names), is_minimum=False, names=names)
    return Tag(name, max(part["count"] for part in parts), is_minimum=len(parts) > 1, names=[])
