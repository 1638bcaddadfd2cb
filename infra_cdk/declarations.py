"""The declarations of a deployment, as an asset that `cdk deploy` uploads."""

from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from shared.dataset_files import declarations_text


def create_declarations(scope: Construct) -> Asset:
    """Return the asset with all declarations, which `loader` commands read that have no declarations of their own.

    An asset needs no function of its own to copy it, as a file in the work bucket would, and belongs to one version of
    the stack: after a rollback, the outputs name the former one.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder, "datasets.toml")
        file.write_text(declarations_text(), encoding="utf-8")
        return Asset(scope, "Declarations", path=str(file))
