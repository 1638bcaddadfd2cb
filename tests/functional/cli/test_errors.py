"""The errors of the commands: both mean that nothing was attempted."""

import pytest
import typer
from typer.testing import CliRunner

from cli.app import Commands
from cli.errors import NotFoundError, RefusedError
from shared.errors import LoaderError, subclasses


@pytest.mark.parametrize("error", [RefusedError, NotFoundError])
def test_the_message_is_printed_without_a_class_name_and_the_status_is_2(error: type[Exception]) -> None:
    app = typer.Typer(cls=Commands)

    @app.callback()
    def options(*, debug: bool = False) -> None: ...

    @app.command()
    def fail() -> None:
        raise error("there is no such thing")

    result = CliRunner().invoke(app, ["fail"])
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "error: there is no such thing\n")


def test_they_are_no_errors_of_a_load() -> None:
    assert not {RefusedError, NotFoundError} & set(subclasses(LoaderError))
