"""The synthesized definition, and an interpreter that executes it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from state_machine.definition import definition as synthesized
from state_machine.settings import MachineSettings
from tests.support.interpreter import ExecutionResult, Interpreter, interpreter
from tests.support.scripted_functions import EVENT, Functions

Run = Callable[..., ExecutionResult]
Item = Mapping[str, Any]


@pytest.fixture(scope="package")
def definition() -> dict[str, Any]:
    return synthesized(MachineSettings(backoff_seconds=1, max_delay_seconds=1, transient_attempts=2))


@pytest.fixture(scope="package")
def local_interpreter() -> Iterator[Interpreter]:
    with interpreter() as local:
        yield local


@pytest.fixture(scope="package")
def run(definition: dict[str, Any], local_interpreter: Interpreter) -> Run:
    """A function that executes a definition (by default the synthesized one) on the event of a file and a ledger."""

    def execute(
        functions: Functions,
        machine: dict[str, Any] = definition,
        *,
        ledger: Sequence[Item] = (),
        timeout_s: float = 300,
    ) -> ExecutionResult:
        return local_interpreter.run(machine, functions, EVENT, ledger=ledger, timeout_s=timeout_s)

    return execute
