"""The folders of a path tell the dataset, the revision, tags, and the pattern of keys."""

import doctest
from pathlib import Path

import pytest

from cli.suggestion import folders
from cli.suggestion.folders import pattern_of
from shared.key_patterns import matches, problems


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(folders).failed == 0


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        (["exports/region=N/a.parquet"], "exports/region={region}/*.parquet"),
        (["/data/exports/region=N/a.parquet"], "region={region}/*.parquet"),
        (["../exports/region=N/a.parquet"], "region={region}/*.parquet"),
        (["x/day=1/N/a.PARQUET", "x/day=2/S/b.PARQUET"], "x/day=*/*/*.PARQUET"),
        (["x{1}/region=N/part-0"], "*/region={region}/*"),
        (["x/région=N/a.parquet"], "x/région=*/*.parquet"),
        (["x/a.parquet"], ""),
        (["dataset=wind/region=N/a.parquet"], ""),
        (["region=N/a.parquet", "region=N/x/a.parquet"], ""),
    ],
)
def test_a_pattern_has_groups_for_tags_and_matches_the_keys(texts: list[str], pattern: str) -> None:
    suggested = pattern_of([Path(text) for text in texts], ["region", "région"])
    assert suggested == pattern
    if suggested:
        keys = [text.removeprefix("/data/exports/").removeprefix("../exports/") for text in texts]
        assert not list(problems(suggested))
        assert all(matches(suggested, key) for key in keys)
