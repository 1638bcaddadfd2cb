"""Long output in a pager, on a pseudo-terminal: which pager, and when none."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import NOWHERE

LOADER = str(Path(sys.executable).with_name("loader"))
MARKING = "sed s/^/page:/"


def on_a_terminal(*words: str, **environment: str) -> str:
    """Return what `loader` prints to a terminal."""
    ours, theirs = pty.openpty()
    variables = os.environ | NOWHERE | {"TERM": "xterm", "COLUMNS": "200"} | environment
    with subprocess.Popen([LOADER, *words], stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=variables):
        os.close(theirs)
        chunks = []
        try:
            while chunk := os.read(ours, 10_000):
                chunks.append(chunk)
        except OSError:  # Linux ends a pseudo-terminal with an error
            pass
    os.close(ours)
    return b"".join(chunks).decode()


def test_a_list_on_a_terminal_is_shown_in_the_pager() -> None:
    lines = on_a_terminal("datasets", PAGER=MARKING).splitlines()
    assert lines
    assert all(line.startswith("page:") for line in lines)


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (["datasets", "--no-pager"], {"PAGER": MARKING}),
        (["datasets", "show", "generation"], {"PAGER": MARKING, "NO_PAGER": "1"}),
        (["datasets"], {"PAGER": "cat"}),
        (["datasets"], {"PAGER": "no-such-pager"}),
    ],
)
def test_without_a_pager_it_is_printed(words: list[str], environment: dict[str, str]) -> None:
    text = on_a_terminal(*words, **environment)
    assert "page:" not in text
    assert "generation_data" in text


def test_an_error_is_printed_without_the_pager() -> None:
    text = on_a_terminal("datasets", "show", "weather", PAGER=MARKING)
    assert "unknown dataset 'weather'" in text
    assert "page:" not in text


def test_in_a_pipe_there_is_no_pager() -> None:
    shown = subprocess.run(
        [LOADER, "datasets"], env=os.environ | NOWHERE | {"PAGER": MARKING}, capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("dataset\tmeasurement\t")
