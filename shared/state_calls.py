"""The input of functions that serve several states: the name of the calling state, and that state's input."""

from collections.abc import Callable, Mapping
from typing import Generic, Literal, TypedDict, TypeVar, cast

from shared.events import BackfillState, LoadState

State = TypeVar("State", bound=str)
Input = TypeVar("Input", bound=Mapping[str, object])


class StateCall(TypedDict, Generic[State, Input]):
    """A call from the state named `state`, with the state machine's state, or parts of it, as `input`."""

    state: State
    input: Input


PinCall = StateCall[Literal["PinSource", "ValidateSchema"], LoadState]
RegisterCall = StateCall[Literal["CompareParts", "RegisterLoad", "ConfirmWritten"], LoadState]
ReportCall = StateCall[Literal["CheckSeries", "ReportLoad", "ReportSkip", "ReportFailure"], LoadState]
StaleCall = StateCall[Literal["FindStale", "JudgeRevisions"], LoadState]
BackfillCall = StateCall[Literal["ReportBackfill", "ReportGivenUp"], BackfillState]


def read_call(event: StateCall[State, Input] | Input, infer_state: Callable[[Input], State]) -> StateCall[State, Input]:
    """Return `event` as a call that names its state.

    An execution that started before an upgrade keeps its definition but calls the new code. Definitions that do not
    name the state yet send the bare input, and only its keys tell which state sent it.

    Args:
        event: A call that names its state, or the bare input that an older definition sends.
        infer_state: Returns the name of the state that sends this bare input.
    """
    if event.keys() == StateCall.__annotations__.keys():
        return cast("StateCall[State, Input]", event)
    bare = cast("Input", event)
    return {"state": infer_state(bare), "input": bare}
