"""The limits on a file with several parts, each of which knows only its own rows and series (state CheckSeries)."""

import gzip
from collections.abc import Iterator
from typing import TYPE_CHECKING

from shared.dataset_keys import dataset_of
from shared.events import LoadState, SeriesCount
from shared.load_limits import check_set_aside, set_aside_limit
from shared.outcomes import read_outcomes
from shared.series_limit import check_series, series_limit
from shared.settings import max_series, max_set_aside_rate, work_bucket
from shared.work_bucket import series_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def check_file(client: "S3Client", load: LoadState) -> SeriesCount:
    """Count the series that the parts have stored, and check the limits before the first write.

    Raises:
        TooManySeriesError: There are more series than MAX_SERIES, or the dataset, allows.
        InvalidRecordsError: More rows are set aside than MAX_SET_ASIDE_RATE, or the dataset, allows.
    """
    file, execution = load["file"], load["execution"]["name"]
    dataset = dataset_of(file["key"])
    series = check_series(_series_keys(client, file["load_id"], execution), series_limit(dataset, max_series()))
    max_rate = set_aside_limit(dataset, max_set_aside_rate())
    if max_rate < 1.0:
        check_set_aside(read_outcomes(client, file["load_id"], execution), file["rows"], max_rate)
    return {"series": series}


def _series_keys(client: "S3Client", load_id: str, execution: str) -> Iterator[str]:
    """Yield the keys of the series, part by part."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=work_bucket(), Prefix=series_prefix(load_id, execution)
    )
    for item in (item for page in pages for item in page.get("Contents", [])):
        body = client.get_object(Bucket=work_bucket(), Key=item["Key"])["Body"].read()
        yield from gzip.decompress(body).decode().splitlines()
