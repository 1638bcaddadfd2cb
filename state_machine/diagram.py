"""The loader state machine as a Mermaid flowchart, drawn from its definition: `python -m state_machine.diagram`.

`mermaid` draws all states with `_states`, which draws nodes first and then their arrows, and calls itself for the
states inside a Map. `_condition` turns a comparison of a Choice into the label of its arrow.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

State = Mapping[str, Any]
SHAPES = {"Choice": '{{"{}"}}', "Wait": '[/"{}"/]', "Succeed": '(["{}"])', "Fail": '(["{}"])', "Pass": '("{}")'}
TASK_SHAPE = '["{}"]'
COMPARISONS = {"NumericGreaterThan": ">", "BooleanEquals": "is", "StringEquals": "is", "IsPresent": "is present:"}
DYNAMODB_TEXT = ".S"
FAILURE = "ReportFailure"


def mermaid(definition: Mapping[str, Any]) -> str:
    """Return the flowchart: solid arrows to next states, dotted arrows for caught errors, boxes for Maps.

    Nearly every state catches errors into `FAILURE`, so one arrow represents all of these.
    """
    failure = f'    AnyError(["any other error"]) -.-> {FAILURE}'
    return "\n".join(["flowchart TD", *_states(definition, indent="    "), failure, ""])


def _states(machine: Mapping[str, Any], *, indent: str) -> Iterator[str]:
    for name, state in machine["States"].items():
        yield from _map(name, state, indent) if state["Type"] == "Map" else [indent + _node(name, state)]
    for name, state in machine["States"].items():
        yield from (f"{indent}{_id(name)} {arrow} {_id(target)}" for arrow, target in _arrows(state))


def _map(name: str, state: State, indent: str) -> Iterator[str]:
    yield f'{indent}subgraph {_id(name)}["{name} (Map)"]'
    yield from _states(state["ItemProcessor"], indent=indent + "    ")
    yield f"{indent}end"


def _node(name: str, state: State) -> str:
    return _id(name) + SHAPES.get(state["Type"], TASK_SHAPE).format(name)


def _arrows(state: State) -> Iterator[tuple[str, str]]:
    """Yield arrows and their target states, in the order in which Step Functions evaluates them."""
    for choice in state.get("Choices", ()):
        yield f'-->|"{_condition(choice)}"|', choice["Next"]
    if "Default" in state:
        yield '-->|"else"|', state["Default"]
    if "Next" in state:
        yield "-->", state["Next"]
    for catch in state.get("Catch", ()):
        if catch["Next"] != FAILURE:
            yield f'-.->|"{_errors(catch["ErrorEquals"])}"|', catch["Next"]


def _errors(names: Sequence[str]) -> str:
    return ", ".join("error" if name == "States.ALL" else name.rpartition(".")[2] for name in names)


def _condition(choice: Mapping[str, Any], *, negated: bool = False) -> str:
    """Return the text of a condition: NumericGreaterThan 0 of `$.file.rows` becomes "rows > 0".

    Raises:
        StopIteration: `COMPARISONS` does not have the comparison yet.
    """
    if "Not" in choice:
        return _condition(choice["Not"], negated=True)
    comparison = next(name for name in COMPARISONS if name in choice)
    variable = choice["Variable"].removesuffix(DYNAMODB_TEXT).rpartition(".")[2]
    value = json.dumps(choice[comparison]).strip('"') or "empty"
    return f"{variable} {COMPARISONS[comparison]} {'not ' if negated else ''}{value}"


def _id(name: str) -> str:
    return re.sub(r"\W", "", name)


if __name__ == "__main__":
    from state_machine.definition import definition

    sys.stdout.write(mermaid(definition()))
