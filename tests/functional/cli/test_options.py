"""Arguments and options that several commands share: the same name, words and meaning in each."""

from collections import defaultdict

import pytest

from cli import lazy_commands
from cli.options import DATASET_NAMES
from shared.datasets import DATASETS
from shared.settings import STACK_NAME
from tests.support.command_line import run_loader

COMMANDS = {name: lazy_commands.import_command(name) for name in lazy_commands.COMMANDS}


def help_texts() -> dict[tuple[str, str], dict[str, str]]:
    """By kind and name of the parameter: command → help."""
    texts: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for name, command in COMMANDS.items():
        for parameter in command.params:
            texts[parameter.param_type_name, parameter.name][name] = getattr(parameter, "help", None) or ""
    return texts


def test_every_command_takes_the_stack_and_json() -> None:
    texts = help_texts()
    assert texts["option", "as_json"].keys() == COMMANDS.keys()
    without_stack = {"datasets", "suggest"}
    assert texts["option", "stack"].keys() == COMMANDS.keys() - without_stack, "declarations are files, not in a stack"
    for name in ("stack", "as_json", "since"):
        assert len(set(texts["option", name].values())) == 1


def test_every_argument_and_option_is_described_by_a_sentence() -> None:
    for parameter, texts in help_texts().items():
        for command, text in texts.items():
            assert text[:1].isupper(), (command, parameter)
            assert text.endswith("."), (command, parameter)


def test_datasets_are_listed_where_they_are_chosen() -> None:
    assert DATASET_NAMES.split(", ") == list(DATASETS)
    described = help_texts()["option", "dataset"]
    assert described.keys() == {
        "plan",
        "load",
        "history",
        "coverage",
        "footprints",
        "overlaps",
        "stale",
        "rebuild",
        "retry",
    }
    assert all(DATASET_NAMES in text for text in described.values())


@pytest.mark.parametrize(
    ("environment", "words", "stack"),
    [
        ({}, [], STACK_NAME),
        ({"LOADER_STACK": "Mine"}, [], "Mine"),
        ({"LOADER_STACK": "Mine"}, ["--stack", "Other"], "Other"),
    ],
)
def test_the_stack_is_named_by_option_or_environment(
    aws: object, environment: dict[str, str], words: list[str], stack: str
) -> None:
    result = run_loader("history", *words, **environment)
    expected = (0, True) if stack == STACK_NAME else (2, False)
    assert (result.exit_code, result.stdout == "no loads found\n") == expected
    assert stack == STACK_NAME or f"no stack named {stack!r}" in result.stderr
