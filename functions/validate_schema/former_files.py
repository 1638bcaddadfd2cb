"""The files of a slot that an earlier release loaded, which did not add them to the slot."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shared.datasets import Dataset
from shared.file_keys import skip_kind
from shared.ledger_items import items_by_key
from shared.revisions import revision_of
from shared.settings import file_rule
from shared.slots import SlotFile, replacing_dataset_of, slot_file
from shared.source import source_errors
from shared.source_pages import item_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef


def former_files(client: "S3Client", bucket: str, slot: str, dataset: Dataset) -> Iterator[list[SlotFile]]:
    """Yield the versions of the slot's files that are in the bucket and in the ledger, up to a thousand at a time.

    A slot may have so many files that a request for each would take longer than an invocation may. Files of other
    datasets, which may be in the same folders, are not of the slot.

    Args:
        client: The S3 client.
        bucket: The source bucket.
        slot: How the keys of the slot begin.
        dataset: The dataset of the slot.
    """
    rule = file_rule()
    for versions in _version_pages(client, bucket, slot, dataset):
        own = [each for each in versions if replacing_dataset_of(each["Key"]) == dataset]
        keys = [item_key(bucket, version) for version in own if not skip_kind(version["Key"], rule)]
        yield [slot_file(key, dataset) for key in items_by_key(keys)]


def _version_pages(
    client: "S3Client", bucket: str, slot: str, dataset: Dataset
) -> Iterator[list["ObjectVersionTypeDef"]]:
    """Yield all versions in the slot's own folder and in those of its revisions. Its other folders are other slots."""
    paginator = client.get_paginator("list_object_versions")
    folders: list[str] = []
    with source_errors(bucket, slot):
        for reply in paginator.paginate(Bucket=bucket, Prefix=slot, Delimiter="/"):
            yield reply.get("Versions", [])
            folders += [each["Prefix"] for each in reply.get("CommonPrefixes", [])]
        for folder in folders:
            if revision_of(folder, dataset):
                for reply in paginator.paginate(Bucket=bucket, Prefix=folder):
                    yield reply.get("Versions", [])
