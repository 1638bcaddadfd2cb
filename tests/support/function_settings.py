"""The environment variables of the deployed functions, which a test changes for a while."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class FunctionSettings:
    """The environments of some functions. `names` are the functions' names by their folders in `functions/`."""

    def __init__(self, client: Any, names: Mapping[str, str]) -> None:
        self._client = client
        self._names = names

    @contextmanager
    def configured(self, only: Collection[str], variables: Mapping[str, str]) -> Iterator[None]:
        """Set variables of the functions that read them, and restore the former ones afterwards.

        Args:
            only: The functions to change; none for all of them.
            variables: The variables. One that no function has yet goes to all functions.
        """
        former = {folder: self._environment(folder) for folder in only or self._names}
        new = variables.keys() - {name for environment in former.values() for name in environment}
        changes = {
            folder: {name: variables[name] for name in variables.keys() & (environment.keys() | new)}
            for folder, environment in former.items()
        }
        changed = [folder for folder, environment in changes.items() if environment]
        for folder in changed:
            self._set_environment(folder, former[folder] | changes[folder])
        try:
            yield
        finally:
            for folder in changed:
                self._set_environment(folder, former[folder])

    def _environment(self, folder: str) -> dict[str, str]:
        reply = self._client.get_function_configuration(FunctionName=self._names[folder])
        variables: dict[str, str] = reply["Environment"]["Variables"]
        return variables

    def _set_environment(self, folder: str, variables: Mapping[str, str]) -> None:
        name = self._names[folder]
        self._client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
