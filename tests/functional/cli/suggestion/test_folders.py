"""The folders of a path tell the dataset, the revision, and tags."""

import doctest

from cli.suggestion import folders


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(folders).failed == 0
