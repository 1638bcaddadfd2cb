"""One load of a dataset without revisions: which other files have values for its points.

No load is newer or older than another one, so where two files have a value for the same point, the one that was written
last stands by accident. ConfirmWritten registers the load and reads the months after that, so that of two loads at
least one sees the other. The report of this one warns of it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from functions.register_load.months import month_spans, registrations_of
from functions.register_load.protocol import obsolete, written_by_others
from functions.register_load.restaging import Restaging
from shared.errors import FootprintNotFoundError
from shared.events import LoadState
from shared.registrations import OverlappingFiles, Registration, Registrations
from shared.times import utc_seconds
from shared.work_bucket import overlaps_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def record_overlaps(client: "S3Client", registrations: Registrations, load: LoadState, now: datetime) -> None:
    """Register a load that has written all points, and store which files have values for them too.

    Registrations of earlier loads of the same file expire.
    """
    file, execution = load["file"], load["execution"]["name"]
    restaging = Restaging(client, file, execution)
    own = registrations_of(load, month_spans(part.points.time for _, part in restaging.own_footprints()))
    others: dict[str, Registration] = {}
    for registration in own:
        item: Registration = {**registration, "written": True, "active_until": ""}
        registrations.add(item)
        month = registrations.read(item["object"])
        others |= {each["version"]: each for each in written_by_others(item, month)}
        for each in obsolete(item, month, utc_seconds(now)):
            registrations.expire(each, now)
    if others and (overlaps := _compare(restaging, others.values())):
        put_json(client, overlaps_key(file["load_id"], execution), overlaps)


def _compare(restaging: Restaging, others: Iterable[Registration]) -> OverlappingFiles | None:
    """Return the files with common points, and those without a footprint to compare; None if there are none."""
    overlapping, unknown = set[str](), set[str]()
    for other in others:
        try:
            overlapping |= {each["source"] for each in restaging.overlapping([other])}
        except FootprintNotFoundError:
            unknown.add(other["source"])
    files: OverlappingFiles = {"overlapping": sorted(overlapping), "not_compared": sorted(unknown - overlapping)}
    return files if overlapping or files["not_compared"] else None
