"""Completion in bash of words with "=" or ":", such as keys and addresses.

bash divides a line at these characters (COMP_WORDBREAKS), and a completion replaces only what follows the last one:

    loader history dataset=gen⇥    words: loader, history, dataset, =, gen    bash expects: generation/

Typer expects whole words, and prints whole completions. `join_words` makes the first, and `complete` cuts the second.
"""

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import NamedTuple

VARIABLE = "_LOADER_COMPLETE"
"""The variable in which the shell's function says what it expects of `loader`."""

_BREAKS = set("=:")
_SPECIAL = re.compile(r"([^\w@%+=:,./-])")
"""Characters that mean something to a shell unless they are quoted."""


class Line(NamedTuple):
    """A command line up to the cursor.

    Attributes:
        words: the words, the last of which is the one to complete.
        kept: the start of the last word that bash keeps.
    """

    words: Sequence[str]
    kept: str


def is_requested() -> bool:
    """Return whether bash runs this process for completions."""
    return os.environ.get(VARIABLE) == "complete_bash"


def complete(run: Callable[[], object]) -> None:
    """Write the completions that `run` prints for the line in the environment, as bash inserts them."""
    line = join_words(os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"]))
    os.environ |= {"COMP_WORDS": "\n".join(line.words), "COMP_CWORD": str(len(line.words) - 1)}
    output = StringIO()
    try:
        with redirect_stdout(output):
            run()
    finally:
        is_quoted = line.words[-1].startswith(("'", '"'))
        for value in output.getvalue().splitlines():
            rest = value.removeprefix(line.kept)
            sys.stdout.write((rest if is_quoted else _SPECIAL.sub(r"\\\1", rest)) + "\n")


def join_words(parts: Sequence[str], current: int) -> Line:
    """Return the words of a line that bash divided, up to the one with the number `current`.

    >>> join_words(["loader", "history", "dataset", "=", "gen"], 4)
    Line(words=['loader', 'history', 'dataset=gen'], kept='dataset=')
    """
    words, kept, is_open = list[str](), "", False
    for part in [*parts, ""][: current + 1]:
        is_break = part != "" and set(part) <= _BREAKS
        if words and part and (is_break or is_open):
            kept = words[-1] + (part if is_break else "")
            words[-1] += part
        else:
            kept = ""
            words.append(part)
        is_open = is_break
    return Line(words, _unquoted(kept))


def _unquoted(text: str) -> str:
    try:
        return "".join(shlex.split(text))
    except ValueError:  # a quote that is still open
        return text
