"""What several commands ask for, in the same words."""

from typing import Annotated

import typer

from shared.datasets import DATASETS

Target = Annotated[str, typer.Argument(metavar="FILE|s3://BUCKET/KEY", help="a Parquet file, here or in S3")]
Load = Annotated[str, typer.Argument(metavar="LOAD", help="the beginning of a load id, or an execution's name or ARN")]
DatasetName = Annotated[
    str, typer.Option("--dataset", help=f"what FILE is, if its path does not say: {', '.join(DATASETS)}")
]
Prefix = Annotated[str, typer.Argument(metavar="PREFIX|s3://BUCKET/PREFIX", help="only objects whose keys begin so")]
Dataset = Annotated[str, typer.Option("--dataset", help=f"only these: {', '.join(DATASETS)}")]
Since = Annotated[str, typer.Option("--since", help="only what changed since: 90m, 6h, 2d, or 2024-01-31T12:00")]
Stack = Annotated[str, typer.Option("--stack", envvar="LOADER_STACK", help="the deployed stack")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs, and nothing else")]
