"""The wait for deletions: no load may write where points are being deleted (`shared.deletion.registration`)."""

from datetime import datetime
from typing import TYPE_CHECKING

from functions.register_load.footprint_cache import FootprintCache
from shared.datasets import DATASETS
from shared.deletion.registration import DeletionItem, DeletionRegistrations
from shared.errors import DeletionRunningError
from shared.events import LoadState
from shared.settings import default_bucket

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client


def wait_for_deletions(client: "S3Client", table: "Table", load: LoadState, now: datetime) -> None:
    """Return if no deletion has times of the load. Call it before the first write.

    Raises:
        DeletionRunningError: There is one. The state machine calls again until it has ended.
    """
    dataset = DATASETS[load["file"]["dataset"]]
    bucket = dataset.influxdb_bucket or default_bucket()
    registrations = DeletionRegistrations(table, bucket, dataset.measurement)
    active = registrations.active(now)
    overlapping = [item for item in active if _overlaps(client, load, item)]
    for item in overlapping:
        registrations.wait(item["version"], load["execution"]["name"])
    if overlapping:
        raise DeletionRunningError(
            f"deletion {overlapping[0]['version']} removes stale points of {dataset.measurement} in the time of this "
            f"file until {overlapping[0]['active_until']} at most: the loader waits for its end"
        )


def _overlaps(client: "S3Client", load: LoadState, item: DeletionItem) -> bool:
    if not load["converted"]["chunks"]:
        return False
    cache, file = FootprintCache(client), load["file"]
    of_load = (file["dataset"], file["load_id"], load["execution"]["name"])
    times = (cache.part(*of_load, part["part"]).points.time for part in file["parts"])
    return any(len(each) and item["first_ns"] <= each.max() and each.min() <= item["last_ns"] for each in times)
