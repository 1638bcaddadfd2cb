"""The arguments and options that several commands share."""

from typing import Annotated

import typer

from cli.completion import complete_dataset, complete_load, complete_object, complete_prefix
from shared.datasets import DATASETS

DATASET_NAMES = ", ".join(DATASETS)

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE|s3://BUCKET/KEY",
        help="Parquet files, folders of them, and globs on this machine, or objects in S3.",
        autocompletion=complete_object,
    ),
]
Load = Annotated[
    str,
    typer.Argument(
        metavar="LOAD",
        help="A load ID, the name or ARN of an execution, or a key; the first characters suffice.",
        autocompletion=complete_load,
    ),
]
DatasetName = Annotated[
    str,
    typer.Option(
        "--dataset",
        help=f"The dataset of FILE: {DATASET_NAMES}. Required if no folder of its path is dataset=NAME.",
        autocompletion=complete_dataset,
    ),
]
Prefix = Annotated[
    str,
    typer.Argument(
        metavar="PREFIX|s3://BUCKET/PREFIX",
        help="Only objects whose keys start with PREFIX.",
        autocompletion=complete_prefix,
    ),
]
Dataset = Annotated[
    str,
    typer.Option("--dataset", help=f"Only this dataset: {DATASET_NAMES}.", autocompletion=complete_dataset),
]
Since = Annotated[
    str,
    typer.Option("--since", help="Only loads that changed since a time: 90m, 6h, 2d, yesterday, or 2024-01-31T12:00."),
]
Until = Annotated[str, typer.Option("--until", help="Only loads that changed until a time, written as for --since.")]
Stack = Annotated[
    str, typer.Option("--stack", envvar="LOADER_STACK", help="The CloudFormation stack of the deployed loader.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
