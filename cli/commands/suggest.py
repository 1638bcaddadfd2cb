"""`loader suggest`: propose a declaration for files whose dataset is not declared."""

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import RefusedError
from cli.options import AsJson
from cli.output import console, show_json
from cli.suggestion.suggestion import suggest as make_suggestion
from cli.suggestion.text import toml_text
from shared.datasets import DATASETS, ContradictionsError

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Parquet files of one dataset.")]
Name = Annotated[
    str,
    typer.Option("--name", help="The name of the dataset. The default is that of the folder dataset=NAME, or FILE's."),
]
Zone = Annotated[str, typer.Option("--zone", help="The time zone of times that name none, such as Europe/Brussels.")]


def suggest(files: Files, *, name: Name = "", zone: Zone = "", as_json: AsJson = False) -> None:
    """Suggest a declaration for files of a new dataset, as TOML for datasets.toml.

    Examines the values of up to a million rows. The comments give the reason for each line.
    """
    try:
        suggestion = make_suggestion(files, name, zone)
    except ContradictionsError as error:  # the zone is the only key that the operator chooses
        raise RefusedError("; ".join(mistake.message for mistake in error.mistakes)) from error
    if suggestion.name in DATASETS:
        raise RefusedError(
            f"dataset {suggestion.name!r} is declared already (`loader datasets show {suggestion.name}`): "
            "choose another name with --name"
        )
    text = toml_text(suggestion)
    if as_json:
        show_json(tomllib.loads(text))
    else:
        console.file.write(text)
