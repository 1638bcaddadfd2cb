"""The synthesized definition, and what executes it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from state_machine.definition import definition as synthesized
from state_machine.settings import MachineSettings
from tests.functional.state_machine.interpreter import Ended, interpreter
from tests.functional.state_machine.scripted_functions import EVENT, Functions

Run = Callable[..., Ended]


@pytest.fixture(scope="package")
def definition() -> dict[str, Any]:
    return synthesized(MachineSettings(backoff_seconds=1, max_delay_seconds=1, transient_attempts=2))


@pytest.fixture(scope="package")
def run(definition: dict[str, Any]) -> Iterator[Run]:
    """Executes the definition, or another one, on the event of a file."""

    def execute(called: Functions, machine: dict[str, Any] = definition) -> Ended:
        return running.run(machine, called, EVENT)

    with interpreter() as running:
        yield execute
