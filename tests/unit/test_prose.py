"""The prose of the sources: a docstring begins like a sentence, and a name says what the thing is.

The sources are parsed, not imported. Each limit leaves room for the few places where such a word is right; a test that
fails lists all offenders with file and line.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("functions", "shared", "state_machine", "cli", "infra_cdk", "local")

PREPOSITIONS_AND_QUESTION_WORDS = """
    of by as with from in for at beside without only over under until till to where what which whether how when why
    because after before since per likewise both those these such never nothing
"""
PARTICIPLES_AND_POINTERS = """
    found said told here there kept taken given asked wanted known made gathered seen drawn passed others apart beside
"""


class Text(NamedTuple):
    """A docstring or a name, and the line where it begins."""

    line: int
    text: str


def docstrings(tree: ast.AST) -> Iterator[Text]:
    """Yield the docstrings of the module, its classes and its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            yield from [Text(node.body[0].lineno, text)] if text else []


def assigned_names(tree: ast.AST) -> Iterator[Text]:
    """Yield a name for each place that assigns it: fields, loops, comprehensions and `with` count as well as `=`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield Text(node.lineno, node.id)


def is_fragment(docstring: str) -> bool:
    """Tell whether the first word begins a phrase such as "Of the file", which is no sentence."""
    first_word = "".join(filter(str.isalnum, docstring.split(maxsplit=1)[0]))
    return first_word.lower() in PREPOSITIONS_AND_QUESTION_WORDS.split()


def is_vague(name: str) -> bool:
    return name.strip("_").lower() in PARTICIPLES_AND_POINTERS.split()


@pytest.mark.parametrize(
    ("texts_of", "is_offender", "limit"),
    [
        pytest.param(docstrings, is_fragment, 0.02, id="docstrings"),
        pytest.param(assigned_names, is_vague, 0.005, id="names"),
    ],
)
def test_docstrings_are_sentences_and_names_are_nouns(
    texts_of: Callable[[ast.AST], Iterator[Text]], is_offender: Callable[[str], bool], limit: float
) -> None:
    count, offenders = 0, []
    for path in (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))):
        texts = list(texts_of(ast.parse(path.read_text("utf-8"))))
        count += len(texts)
        for line, text in texts:
            if is_offender(text):
                offenders.append(f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}")
    assert count > 500, "hardly any source was read"
    assert len(offenders) <= limit * count, f"{len(offenders)} of {count}:\n" + "\n".join(offenders)


@pytest.mark.parametrize(
    ("source", "fragments", "vague"),
    [
        ('"""Of the module."""', [1], []),
        ('"""A module."""\ndef f():\n    """What: ever."""', [3], []),
        ('class A:\n    """Whether, or not."""\n    found: int', [2], [3]),
        (
            'def f():\n    """Return the offer."""\n    for told in (): pass\n    return [_SAID for _SAID in ()]',
            [],
            [3, 4],
        ),
        ("given.x = asked(here)", [], []),
    ],
)
def test_fragments_and_vague_names_are_found_on_their_lines(
    source: str, fragments: list[int], vague: list[int]
) -> None:
    tree = ast.parse(source)
    assert [line for line, text in docstrings(tree) if is_fragment(text)] == fragments
    assert [line for line, name in assigned_names(tree) if is_vague(name)] == vague
