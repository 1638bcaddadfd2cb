"""What a deletion removed, stored as a footprint, so that the search for stale points does not count it again."""

from datetime import datetime

import numpy as np

from functions.delete_points.store import DeletionStore
from shared.deletion.records import Deletion
from shared.deletion.runs import PointSet, selected_points
from shared.deletion.start import encode_footprint
from shared.footprints import Footprint, PointBlock
from shared.series_keys import tags_of
from shared.settings import work_bucket
from shared.stale.records import StaleRecords
from shared.stale.removals import removal_prefix


def removal_key(deletion: Deletion) -> str:
    """Return the key of what a deletion removed: no load that it knows writes after the plan was made."""
    prefix = removal_prefix(deletion["influxdb_bucket"], deletion["measurement"])
    return f"{prefix}{deletion['planned_at']}/{deletion['deletion']}.parquet"


def put_removal(store: DeletionStore, deletion: Deletion, done: list[int]) -> None:
    """Store the stale points that the requests with these numbers removed. Without any, the footprint is empty."""
    stale, _ = store.footprints()
    points = PointSet(
        [tags_of(series) for series in stale.series], stale.points.numbers.astype(np.int64), stale.points.time
    )
    removed = np.zeros(len(points.time), bool)
    for request in (deletion["requests"][number] for number in done):
        tags = tuple((tag, value) for tag, value in request["tags"])
        removed[selected_points(points, tags, request["first_ns"], request["last_ns"])] = True
    numbers, time, fields = stale.points
    block = PointBlock(numbers[removed], time[removed], fields[removed])
    content = encode_footprint(Footprint(stale.series, stale.names, block))
    store.client.put_object(Bucket=work_bucket(), Key=removal_key(deletion), Body=content)


def count_again(store: DeletionStore, records: StaleRecords, deletion: Deletion, now: datetime) -> None:
    """Let a sweep count the stale points of the files that had any when the deletion ended.

    After a deletion, their records go. A restore brings them back, so they are stored with the deletion.
    """
    former = store.stale_records()
    if former is None:
        former = [each for each in records.read() if each["dataset"] in deletion["datasets"]]
        store.put_stale_records(former)
    for record in former:
        records.make_due(record, now)
