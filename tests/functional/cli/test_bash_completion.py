"""What bash inserts when the word to complete contains "=" or ":"."""

import doctest
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import bash_completion
from cli.bash_completion import complete, join_words

LOADER = str(Path(sys.executable).with_name("loader"))


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(bash_completion).failed == 0


@pytest.mark.parametrize(
    ("parts", "last", "kept"),
    [
        (["gen"], "gen", ""),
        (["dataset", "="], "dataset=", "dataset="),
        (["dataset", "=", "g/y", "=", "20"], "dataset=g/y=20", "dataset=g/y="),
        (["s3", ":", "//bucket/a", "=", "b"], "s3://bucket/a=b", "s3://bucket/a="),
        (["at=2024-08-01\\ 03", ":", "0"], "at=2024-08-01\\ 03:0", "at=2024-08-01 03:"),
        (["dataset", "=", ""], "", ""),
        ([""], "", ""),
    ],
)
def test_the_parts_of_a_word_are_joined_again(parts: list[str], last: str, kept: str) -> None:
    words = ["loader", "history", "--status", "loaded", *parts]
    line = join_words(words, len(words) - 1)
    assert (line.words[-1], line.kept) == (last, kept)
    assert line.words[:4] == words[:4]


def test_an_empty_last_word_is_missing_in_the_environment() -> None:
    assert join_words(["loader", "history"], 2).words == ["loader", "history", ""]


@pytest.mark.parametrize(
    ("word", "printed"), [("dataset\n=\ng", "generation/at\\ 1/\n"), ("'dataset=g", "dataset=generation/at 1/\n")]
)
def test_what_bash_keeps_is_cut_and_spaces_are_escaped_unless_they_are_quoted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str, printed: str
) -> None:
    monkeypatch.setenv("COMP_WORDS", f"loader\nhistory\n{word}")
    monkeypatch.setenv("COMP_CWORD", str(word.count("\n") + 2))
    complete(lambda: sys.stdout.write("dataset=generation/at 1/\n"))
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("words", ["--dataset = gen", "--dataset gen", "--dataset="])
def test_a_real_bash_completes_with_the_function_that_is_installed(words: str) -> None:
    script = f"""
        eval "$(_LOADER_COMPLETE=source_bash {LOADER})"
        COMP_WORDS=(loader history {words}) COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _loader_completion {LOADER}
        echo "${{COMPREPLY[@]}}"
    """
    environment = os.environ | {"HOME": "/nonexistent"}
    shown = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert "generation" in shown.stdout.split()
