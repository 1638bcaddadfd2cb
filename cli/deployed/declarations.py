"""The declarations of datasets that a command uses: one's own, or those of the deployment."""

from pathlib import Path

from cli.deployed.stack import Deployment
from shared.code_digest import datasets_digest
from shared.dataset_files import own_file, shipped_file
from shared.datasets import DATASETS
from shared.ledger import bucket_and_key


def local_declarations() -> str:
    """Return the file that declares the datasets on this machine."""
    own, here = own_file(), Path.cwd()
    if not own.exists():
        return f"{shipped_file().name} of this release"
    return str(own.relative_to(here) if own.is_relative_to(here) else own)


def use_deployed_datasets(deployment: Deployment) -> str:
    """Use the datasets of the deployment, unless there is a file of one's own. Return where the datasets come from.

    They are downloaded only if they differ from those of this release. An earlier release of the stack has no address.
    """
    address = deployment.outputs.get("DatasetsUrl", "")
    if own_file().exists() or not address:
        return local_declarations()
    if deployment.outputs.get("DatasetsDigest") != datasets_digest():
        bucket, key = bucket_and_key(address)
        content = deployment.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        DATASETS.replace(content.decode(), address)
    return f"the deployment ({address})"
