"""The runbook as reports quote it."""

import re
import shlex

import pytest
from markupsafe import escape

from functions.report_load.runbook import FILE, UNEXPECTED, entry

TEXT = FILE.read_text()
NAMES = sorted(set(re.findall(r"`([A-Za-z.]+)`", "".join(re.findall(r"^### (`.+)$", TEXT, re.MULTILINE)))))
FACTS = {"key": "dataset=generation/a b.parquet", "execution": "arn:aws:states:x:1:execution:m:run-1"}


@pytest.mark.parametrize("error", NAMES)
def test_every_entry_is_quoted_in_full(error: str) -> None:
    (section,) = re.findall(
        rf"^### [^\n]*`{re.escape(error)}`.*?\n(.+?)(?=^#{{2,3}} |\Z)", TEXT, re.MULTILINE | re.DOTALL
    )
    quoted_entry = entry(error, {})
    quoted_words = " ".join(
        re.sub(r"<.*?>", "", part) for part in (*quoted_entry.meaning, *quoted_entry.who_acts)
    ).split()
    words = re.sub(r"```sh.+?```|^####.+?$|[`*]", "", section, flags=re.MULTILINE | re.DOTALL)
    assert quoted_words == str(escape(words)).split()
    assert "](" not in section
    assert quoted_entry.command in section
    assert f"```sh\n{quoted_entry.preparation}\n```" in TEXT


def test_an_error_without_an_entry_is_quoted_as_unexpected() -> None:
    assert entry("ZeroDivisionError", {}) == entry(UNEXPECTED, {})
    assert "a defect" in str(entry("ZeroDivisionError", {}).meaning)


def test_commands_are_about_this_load() -> None:
    assert 'loader load "s3://$SOURCE/dataset=generation/a b.parquet"' in entry("SourceChangedError", FACTS).command
    assert entry("UnreadableEventError", FACTS).command.startswith(f"loader show {FACTS['execution']}\n")


@pytest.mark.parametrize("key", ["'; rm -rf /; '", "$(id)", '"', "`id`", "a\nb", "\\"])
def test_a_key_that_a_shell_would_read_otherwise_is_left_to_the_person(key: str) -> None:
    assert "<key>" in entry("SourceChangedError", {"key": key}).command


@pytest.mark.parametrize("error", NAMES)
def test_a_key_always_stands_in_quotes(error: str) -> None:
    marked = entry(error, {"key": "two words"}).command
    assert all(" " in word for line in marked.splitlines() for word in shlex.split(line) if "two" in word)
