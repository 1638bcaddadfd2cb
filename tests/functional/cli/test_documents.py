"""The documents that messages name."""

import doctest
import re
from pathlib import Path

from cli import documents
from cli.documents import ROOT


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(documents).failed == 0


def test_every_document_that_a_message_names_exists() -> None:
    sources = "".join(path.read_text() for path in Path(ROOT / "cli").rglob("*.py"))
    names = set(re.findall(r"""document\(["'](.+?)["']\)""", sources))
    assert {"operations.md", "permissions.md", "deploy.md"} <= names
    assert not [name for name in names if not (ROOT / "docs" / name).is_file()]
