"""What deletions removed, stored as footprints, so that the search for stale points does not count it again."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa

from functions.delete_points.before_image import SERIES, TIME, Mask, stored_fields
from functions.delete_points.store import DeletionStore
from shared.deletion.records import Deletion
from shared.deletion.runs import PointSet, selected_points
from shared.deletion.start import encode_footprint
from shared.footprints import Footprint, PointBlock, read_footprint
from shared.point_index import translate
from shared.series_keys import tags_of
from shared.settings import work_bucket
from shared.stale.records import StaleRecords
from shared.stale.removals import removal_prefix


def removal_key(deletion: Deletion) -> str:
    """Return the key of what a deletion removed: no load that it knows writes after the plan was made."""
    return f"{_prefix(deletion)}{deletion['planned_at']}/{deletion['deletion']}.parquet"


def _prefix(deletion: Deletion) -> str:
    return removal_prefix(deletion["influxdb_bucket"], deletion["measurement"])


def put_removal(store: DeletionStore, deletion: Deletion) -> None:
    """Store the stale values that the requests removed: all of those that are done, some of those that stopped."""
    stale = store.footprints().stale
    points = PointSet(
        [tags_of(series) for series in stale.series], stale.points.numbers.astype(np.int64), stale.points.time
    )
    fields = np.zeros_like(stale.points.fields)
    for number, request in enumerate(deletion["requests"]):
        progress = store.progress(number)
        if progress["status"] == "done":
            tags = tuple((tag, value) for tag, value in request["tags"])
            are_selected = selected_points(points, tags, request["first_ns"], request["last_ns"])
            fields[are_selected] = stale.points.fields[are_selected]
        elif progress["removed"] and (removed := store.removed(number)) is not None:
            names = removed.column_names[2:]
            fields |= stale.points.fields & translate(stored_fields(_points_of(stale), removed), names, stale.names)
    _put(store, deletion, stale, fields)


def clear_removal(store: DeletionStore, deletion: Deletion) -> None:
    """Store that the deletion removed nothing, since everything was written back."""
    stale = store.footprints().stale
    _put(store, deletion, stale, np.zeros_like(stale.points.fields))


def interrupted_deletion(store: DeletionStore, deletion: Deletion) -> str:
    """Return another deletion of the measurement that has sent requests and not ended, or "".

    It would report points as removed that a restore of this one writes back.
    """
    for name in store.unfinished_deletions():
        other = DeletionStore(store.client, name).plan()
        if name != deletion["deletion"] and _prefix(other) == _prefix(deletion):
            return name
    return ""


def later_removal(store: DeletionStore, deletion: Deletion) -> str:
    """Return a later deletion that removed points of the before-images of this one, or ""."""
    for name, removal in _later_removals(store, deletion):
        removed = _points_of(removal)
        for number in range(len(deletion["requests"])):
            image = store.image(number)
            if image is not None and stored_fields(removed, image).any():
                return name
    return ""


def _later_removals(store: DeletionStore, deletion: Deletion) -> Iterator[tuple[str, Footprint]]:
    prefix = _prefix(deletion)
    for page in store.client.get_paginator("list_objects_v2").paginate(Bucket=work_bucket(), Prefix=prefix):
        for key in (item["Key"] for item in page.get("Contents", [])):
            planned_at, name = key.removeprefix(prefix).removesuffix(".parquet").split("/")
            if planned_at >= deletion["planned_at"] and name != deletion["deletion"]:
                content = store.client.get_object(Bucket=work_bucket(), Key=key)["Body"].read()
                yield name, read_footprint(content)


def _points_of(footprint: Footprint) -> pa.Table:
    """Return series and time of each line of a footprint."""
    numbers, time, _ = footprint.points
    series = pa.array(footprint.series, pa.string()).take(pa.array(numbers))
    return pa.table({SERIES: series, TIME: pa.array(time)})


def _put(store: DeletionStore, deletion: Deletion, stale: Footprint, fields: Mask) -> None:
    """Store these fields of each line of the stale points."""
    numbers, time, _ = stale.points
    is_removed = fields != 0
    block = PointBlock(numbers[is_removed], time[is_removed], fields[is_removed])
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
