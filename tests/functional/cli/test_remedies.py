"""What an operator is told of an error that ended a load: the section of the one runbook."""

import re

import pytest

from cli.output import console
from cli.remedies import ERRORS, remedy, show_remedies
from functions.report_load.runbook import FILE
from tests.support.command_line import TERMINAL

RUNBOOK = " ".join(FILE.read_text().split())
FACTS = {"key": "dataset=generation/a b.parquet", "execution": "run-1", "SOURCE": "lake", "WORK": "work"}


def shown(*errors: str, **facts: str) -> list[str]:
    with console.capture() as capture:
        show_remedies(errors, facts)
    return capture.get().splitlines()


@pytest.mark.parametrize("error", [*ERRORS, "Sandbox.Timedout", "ZeroDivisionError"])
def test_what_to_do_is_what_the_runbook_says(error: str) -> None:
    assert remedy(error) in RUNBOOK
    assert len(remedy(error)) > 20


def test_the_most_frequent_error_comes_first_with_why_what_now_and_the_commands() -> None:
    lines = shown("InfluxUnavailableError", "CorruptParquetError", "CorruptParquetError")
    assert lines[0] == "CorruptParquetError (2 files)"
    assert [line[:12].strip() for line in lines if line[:3] == "  w" or line[:3] == "  c"] == [
        "why",
        "what now",
        "commands",
    ] * 2
    assert lines[-2] == "Then `loader retry` loads all files again whose errors can heal."


def test_an_error_that_only_another_file_resolves_offers_no_retry() -> None:
    assert "loader retry" not in " ".join(shown("CorruptParquetError"))


def test_the_commands_are_those_of_the_load() -> None:
    text = "\n".join(shown("SourceChangedError", **FACTS))
    assert 'loader load "s3://lake/dataset=generation/a b.parquet"' in text
    assert "$" not in text
    assert "loader show run-1" in "\n".join(shown("SchemaMismatchError", **FACTS))
    assert '"s3://$SOURCE/<key>"' in "\n".join(shown("SourceChangedError"))


def test_long_texts_are_folded_between_words_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (TERMINAL | {"COLUMNS": "80"}).items():
        monkeypatch.setenv(name, value)
    lines = shown("InfluxUnavailableError")
    explanation = [line for line in lines if re.match(r"  (why|what now)|            ", line)]
    assert max(map(len, explanation[:-3])) <= 80
    assert len(explanation) > 4
