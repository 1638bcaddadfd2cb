"""`loader datasets`: list the declared datasets, show one, and check the file that declares one's own."""

from collections.abc import Mapping
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli.close_matches import suggestion
from cli.completion import complete_dataset
from cli.dataset_check import find_mistakes, json_schema
from cli.errors import RefusedError
from cli.listing import Column
from cli.options import AsJson
from cli.output import console, facts, listing, quantity, show_json
from cli.targets import check_dataset
from shared.dataset_files import own_file, shipped_file
from shared.datasets import DATASETS, SHIPPED_DATASETS, Dataset


class DatasetCommands(TyperGroup):
    """The commands about declarations. Without one, the name of a dataset shows it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the command, and its arguments."""
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            if name not in DATASETS and (matches := suggestion(name, self.commands)):
                raise RefusedError(f"{name!r} is neither a command nor a dataset{matches}")
            args = ["show", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(add_completion=False, cls=DatasetCommands)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a dataset.", autocompletion=complete_dataset)]
File = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="The file to check. The default is your own datasets.toml.")
]


@app.callback(invoke_without_command=True)
def datasets(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the datasets that are declared, show one, or check your own declarations.

    `loader datasets NAME` shows the dataset NAME.
    """
    if context.invoked_subcommand:
        return
    if as_json:
        show_json([_content(dataset) for dataset in DATASETS.values()])
        return
    table = listing("dataset", "measurement", Column("tags", "note"), Column("fields", "note"))
    for dataset in DATASETS.values():
        fields = ", ".join(dataset.field_names)
        table.add_row(dataset.name, dataset.measurement, ", ".join(dataset.tags), fields)
    console.print(table)
    console.print(f"To declare your own, write them to {own_file()}.", style="dim", soft_wrap=True)


@app.command()
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show all keys of a declaration, with the defaults of those that it leaves out."""
    check_dataset(name)
    content = _content(DATASETS[name])
    if as_json:
        show_json(content)
    else:
        console.print(facts({key: _text(value) for key, value in content.items()}), soft_wrap=True)


@app.command()
def check(file: File = None, *, as_json: AsJson = False) -> None:
    """Check a file of declarations, and list all its mistakes with their lines."""
    path = file or own_file()
    if not path.exists():
        raise RefusedError(f"{path} does not exist: write to it what `loader suggest FILE` proposes for a file")
    mistakes = find_mistakes(path)
    if as_json:
        show_json([mistake._asdict() for mistake in mistakes])
    else:
        for line, place, message in mistakes:
            console.print(f"{path}:{line}: {place} {message}", soft_wrap=True, markup=False)
        console.print(f"{quantity(len(mistakes), 'mistake')} in {path.name}", soft_wrap=True)
    if mistakes:
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON schema of the file, for editors that check while you type."""
    show_json(json_schema())


def _content(dataset: Dataset) -> dict[str, Any]:
    """Return the keys of a declaration as its file has them, with defaults, but without infinite bounds."""
    content = {key: value for key, value in asdict(dataset).items() if value is not None}
    dates: dict[str, Any] = {key: str(content[key]) for key in ("earliest", "latest") if key in content}
    fields = [{key: value for key, value in field.items() if value not in (-inf, inf)} for field in content["fields"]]
    file = shipped_file() if dataset.name in SHIPPED_DATASETS else own_file()
    return {**content, **dates, "fields": fields, "declared_in": str(file)}


def _text(value: Any) -> str:
    """Return a value on one line: a list of fields as name and unit, a table as its pairs."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} → {name}" for key, name in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(f"{item['name']} ({item['unit']})" if isinstance(item, dict) else item for item in value)
    return str(value)
