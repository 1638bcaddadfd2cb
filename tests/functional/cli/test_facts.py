"""Names and values: aligned in a terminal, separated by a tab in a pipe."""

import pytest
from rich.text import Text

from cli.facts import Facts
from tests.functional.cli.test_listing import shown

FACTS = Facts({"key": "a" * 60, "page": "", "dataset": Text("genera\ttion")})


def test_they_are_aligned_on_one_line_each_and_empty_ones_are_omitted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(FACTS, monkeypatch, columns=200) == [f"key      {'a' * 60}", "dataset  genera tion"]


def test_in_a_pipe_a_tab_separates_them() -> None:
    assert shown(FACTS) == [f"key\t{'a' * 60}", "dataset\tgenera\\ttion"]
