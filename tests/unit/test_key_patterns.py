"""Key patterns match whole keys, their groups are values, and two patterns that match one key are noticed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.file_keys import key_values
from shared.key_patterns import common_key, group_names, matches, pattern_values, problems

PARTS = st.sampled_from(["a", "b", "/", "*", "**", "{x}", "."])
PATTERNS = st.lists(PARTS, min_size=1, max_size=5).map("".join).filter(lambda text: not any(problems(text + "z")))
KEYS = st.text("ab/.x", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("pattern", "key", "values"),
    [
        ("raw/{region}/*.parquet", "raw/SE/a.parquet", {"region": "SE"}),
        ("raw/{region}/*.parquet", "raw/SE/2024/a.parquet", {}),
        ("raw/{region}/*.parquet", "raw//a.parquet", {}),
        ("raw/{region}/*.parquet", "in/raw/SE/a.parquet", {}),
        ("raw/{region}/**.parquet", "raw/SE/2024/01/a.parquet", {"region": "SE"}),
        ("**/{plant-name}_v{version}.parquet", "a/b/North_v2_v3.parquet", {"plant-name": "North", "version": "2_v3"}),
        ("raw/{region}/*.parquet", "raw/S\nE/a.parquet", {"region": "S\nE"}),
        ("raw (1)/{region}+/*", "raw (1)/SE+/a", {"region": "SE"}),
    ],
)
def test_the_groups_of_a_whole_key_are_values(pattern: str, key: str, values: dict[str, str]) -> None:
    assert pattern_values(pattern, key) == values
    assert matches(pattern, key) == bool(values)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", "a key ends with the name of a file"),
        ("raw/{region}/", "a key ends with the name of a file"),
        ("raw/{region/*", "write a named group as {name}"),
        ("raw/{}/*", "write a named group as {name}"),
        (r"raw/(?P<x>\d{4})/*", "write a named group as {name}"),
        ("raw/{a}{b}/*", "separate groups"),
        ("raw/{a}*", "separate groups"),
        ("raw/***", "separate groups"),
        ("raw/{a}/{a}.parquet", "the group 'a' occurs 2 times"),
    ],
)
def test_a_pattern_that_is_not_certain_has_a_problem(pattern: str, problem: str) -> None:
    assert [each for each in problems(pattern) if each.startswith(problem)]


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ("raw/{region}/*.parquet", "raw/{plant}/*.parquet", "raw/x/.parquet"),
        ("raw/SE/*.parquet", "raw/{region}/*.parquet", "raw/SE/.parquet"),
        ("raw/a_*.parquet", "raw/b_*.parquet", ""),
        ("raw/*.parquet", "raw/{region}/*.parquet", ""),
        ("raw/**", "raw/{region}/*.parquet", "raw/x/.parquet"),
        ("**/a.parquet", "raw/**.pq", ""),
    ],
)
def test_a_key_that_two_patterns_match_is_an_example(one: str, other: str, key: str) -> None:
    assert common_key(one, other) == common_key(other, one) == key


@given(PATTERNS, PATTERNS, KEYS)
@settings(max_examples=150)
def test_patterns_without_a_common_key_never_match_the_same(one: str, other: str, key: str) -> None:
    common = common_key(one, other)
    assert common == "" or (matches(one, common) and matches(other, common))
    if matches(one, key) and matches(other, key):
        assert common


def test_values_are_those_of_groups_or_of_folders() -> None:
    pattern, key = "raw/{version}/**.parquet", "raw/v%201/region=S%C3%A3o/a.parquet"
    assert key_values(key, "version", pattern) == ["v 1"]
    assert key_values(key, "region", pattern) == ["São"]
    assert key_values("in/raw/v1/a.parquet", "version", pattern) == []
    assert group_names(pattern) == ["version"]
