"""Names that begin with what an operator typed, or that are close to it."""

import doctest

import pytest

from cli import close_matches
from cli.close_matches import only_match, suggestion
from cli.errors import RefusedError

LOADS = {"0123": 1, "01": 2, "0245": 3, "0246": 4, "0247": 5, "0248": 6}


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(close_matches).failed == 0


@pytest.mark.parametrize(("text", "match"), [("0123", 1), ("012", 1), ("01", 2), ("9", None)])
def test_a_whole_name_counts_before_the_beginning_of_another(text: str, match: int | None) -> None:
    assert only_match(text, LOADS, "loads") == match


def test_several_names_are_counted_and_the_first_ones_listed() -> None:
    message = "4 loads start with '024', add more characters: 0245, 0246, 0247, and 1 more"
    with pytest.raises(RefusedError, match=message):
        only_match("024", LOADS, "loads")


def test_at_most_three_names_are_suggested_and_each_once() -> None:
    assert suggestion("aaaa", ["aaab", "aaac", "aaad", "aaae"]).count(" or ") == 2
    assert suggestion("aaaa", ["aaab"]) == " (did you mean aaab?)"
    assert suggestion("aaaa", []) == suggestion("", ["aaaa"]) == suggestion("aaaa", ["zzzz"]) == ""
