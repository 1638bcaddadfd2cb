"""The class tree, and the table of errors in the docs."""

import re
from pathlib import Path

from shared.errors import (
    MAX_MESSAGE_CHARACTERS,
    CorruptParquetError,
    DataError,
    LoaderError,
    TransientError,
    error_names,
    subclasses,
)

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_names_that_are_retried_are_the_transient_ones() -> None:
    assert error_names(TransientError) == [
        "TransientError",
        "DeletionRunningError",
        "OutageError",
        "InfluxUnavailableError",
        "InfluxDiskFullError",
        "SourceUnavailableError",
        "AwsThrottledError",
    ]


def test_no_two_errors_share_a_name() -> None:
    names = error_names(LoaderError)
    assert len(names) == len(set(names))


def test_every_data_error_is_a_400_and_every_transient_one_a_503() -> None:
    assert {error.status_code for error in subclasses(DataError)} == {400}
    assert {error.status_code for error in subclasses(TransientError)} == {503}


def test_the_table_in_the_docs_equals_the_class_tree() -> None:
    text = DOCS.read_text()
    in_docs = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    leaves = [error for error in subclasses(LoaderError) if not error.__subclasses__()]
    assert in_docs == [error.__name__ for error in leaves]
    for error in leaves:
        retried = "yes" if issubclass(error, TransientError) else "no"
        meaning = " ".join((error.__doc__ or "").split())
        assert f"| `{error.__name__}` | {error.status_code} | {retried} | {meaning} |" in text


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    message = str(CorruptParquetError(f"begin {'x' * 1_800_000}: write the file again"))
    assert len(message) == MAX_MESSAGE_CHARACTERS
    assert message.startswith("begin xxx")
    assert message.endswith("xxx: write the file again")
