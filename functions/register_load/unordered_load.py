"""One load of a dataset without revisions: which other files have values for its points.

No load is newer or older than another one, so where two files have a value for the same point, the one that was written
last stands by accident. ConfirmWritten registers the load and reads the months after that, so that of two loads at
least one sees the other. The report of this one warns of it. It compares a bounded number of files, for a bounded time.
"""

from collections.abc import Collection
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from functions.register_load.common_points import CommonPoints
from functions.register_load.months import month_spans, registrations_of
from functions.register_load.progress import Progress
from functions.register_load.protocol import obsolete, written_by_others
from shared.balance import check_accounts
from shared.events import LoadState
from shared.load_limits import check_rejected
from shared.logs import logger
from shared.outcomes import read_outcomes
from shared.registrations import Registration, Registrations
from shared.settings import max_rejected_rate
from shared.stored import OverlappingFiles
from shared.times import utc_seconds
from shared.work_bucket import overlaps_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


MAX_COMPARED = 50
"""How many other files to compare: those that were modified last."""

MAX_SECONDS = 60
"""How long to compare them."""


def confirm_unordered(client: "S3Client", registrations: Registrations, load: LoadState, now: datetime) -> None:
    """Check what InfluxDB accepted, as for a dataset with revisions, then record overlaps.

    Only the warning is lost if that fails: all points are stored.
    """
    outcomes = read_outcomes(client, load["file"]["load_id"], load["execution"]["name"])
    check_accounts(outcomes, load["file"]["rows"])
    check_rejected(outcomes, max_rejected_rate())
    try:
        _record_overlaps(client, registrations, load, now)
    except Exception:  # noqa: BLE001 - no error is worth the failure of a load that is stored
        logger.exception("the report of this load cannot warn of files with the same points")


def _record_overlaps(client: "S3Client", registrations: Registrations, load: LoadState, now: datetime) -> None:
    """Register a load that has written all points, and store which files have values for them too.

    Registrations of earlier loads of the same file expire.
    """
    file, execution = load["file"], load["execution"]["name"]
    common_points = CommonPoints(client, file, execution, Progress(client, file["load_id"], execution))
    own = registrations_of(load, month_spans(common_points.footprints()))
    others: dict[str, Registration] = {}
    for registration in own:
        item: Registration = {**registration, "written": True, "active_until": ""}
        registrations.add(item)
        month = registrations.read(item["object"])
        others |= {each["version"]: each for each in written_by_others(item, month)}
        for each in obsolete(item, month, utc_seconds(now)):
            registrations.expire(each, now)
    if others and (overlaps := _compare(common_points, others.values())):
        put_json(client, overlaps_key(file["load_id"], execution), overlaps)


def _compare(common_points: CommonPoints, others: Collection[Registration]) -> OverlappingFiles | None:
    """Return the files with common points, and those that were not compared; None if there are none."""
    last = sorted(others, key=lambda other: other["last_modified"], reverse=True)
    deadline = monotonic() + MAX_SECONDS
    compared = common_points.compare(last[:MAX_COMPARED], lambda: monotonic() < deadline)
    common, missing = ({load["source"] for load in loads} for loads in (compared.common, compared.missing))
    rest = {load["source"] for load in (*compared.not_compared, *last[MAX_COMPARED:])} - common - missing
    if not (common or missing or rest):
        return None
    return {"overlapping": sorted(common), "not_compared": sorted(missing - common), "more": len(rest)}
