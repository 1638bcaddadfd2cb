"""The number of series of a file with several parts, each of which knows only its own."""

import gzip
from collections.abc import Iterator
from typing import TYPE_CHECKING

from shared.datasets import dataset_of
from shared.events import LoadState, SeriesCount
from shared.series_limit import check_series, series_limit
from shared.settings import max_series, work_bucket
from shared.work_bucket import series_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def count_series(client: "S3Client", load: LoadState) -> SeriesCount:
    """Count the series that the parts have stored.

    Raises:
        TooManySeriesError: There are more than MAX_SERIES, or the dataset, allows.
    """
    file = load["file"]
    limit = series_limit(dataset_of(file["key"]), max_series())
    return {"series": check_series(_keys(client, file["load_id"], load["execution"]["name"]), limit)}


def _keys(client: "S3Client", load_id: str, execution: str) -> Iterator[str]:
    """Yield the keys of the series, part by part."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=work_bucket(), Prefix=series_prefix(load_id, execution)
    )
    for item in (item for page in pages for item in page.get("Contents", [])):
        body = client.get_object(Bucket=work_bucket(), Key=item["Key"])["Body"].read()
        yield from gzip.decompress(body).decode().splitlines()
