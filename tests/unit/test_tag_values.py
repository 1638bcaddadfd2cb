"""The values of tags, and the tag whose values divide the series into groups."""

import numpy as np
import pyarrow as pa
import pytest

from functions.convert_and_chunk.columns.tags import render_tag
from functions.convert_and_chunk.tag_values import MAX_GROUPS, MAX_LISTED, TagSets


def tag_sets(*series: dict[str, str], without_line: int = 0) -> TagSets:
    """The tag sets of series with these tags, of which the last ones have no point."""
    prefixes = ["m" + "".join(render_tag(*tag, required=False)[0] for tag in sorted(tags.items())) for tags in series]
    has_line = np.arange(len(series)) < len(series) - without_line
    names = sorted({name for tags in series for name in tags})
    return TagSets(pa.array([f"{prefix} " for prefix in prefixes]), has_line, names)


def test_only_values_of_points_count() -> None:
    values = tag_sets({"region": "N"}, {"region": "S"}, {"region": "SE"}, without_line=1).values()
    assert values == {"region": {"count": 2, "names": ["N", "S"]}}


@pytest.mark.parametrize("value", ["a b", "a,b=c", "x,region=y", "a\\b", "ção", "C:\\dir\\x"])
def test_a_value_is_the_one_of_the_file(value: str) -> None:
    values = tag_sets({"plant": value, "region": "N"}, {"plant": "other", "region": "N"}).values()
    assert values["plant"]["names"] == sorted([value, "other"])
    assert values["region"] == {"count": 1, "names": ["N"]}


def test_many_values_are_counted_but_not_listed() -> None:
    few, many = ([{"plant": f"p{number:03}"} for number in range(count)] for count in (MAX_LISTED, MAX_LISTED + 1))
    assert len(tag_sets(*few).values()["plant"]["names"]) == MAX_LISTED
    assert tag_sets(*many).values() == {"plant": {"count": MAX_LISTED + 1, "names": []}}


def test_the_groups_are_those_of_the_tag_with_the_most_values_that_are_not_too_many() -> None:
    series = [{"kind": str(n % 2), "line": str(n), "region": str(n % 4)} for n in range(MAX_GROUPS + 1)]
    groups = tag_sets(*series).groups(["region", "line", "kind"])
    assert groups
    assert groups.tag == "region"
    assert [groups.names[code] for code in groups.codes] == [tags["region"] for tags in series]


def test_no_groups_where_no_tag_divides_the_series() -> None:
    assert tag_sets({"region": "N"}, {"region": "N", "plant": "a"}).groups(["region", "absent"]) is None


def test_series_without_the_tag_are_a_group() -> None:
    groups = tag_sets({"region": "N"}, {"region": "S"}, {"kind": "a"}).groups(["region"])
    assert groups
    assert [groups.names[code] for code in groups.codes] == ["N", "S", ""]
