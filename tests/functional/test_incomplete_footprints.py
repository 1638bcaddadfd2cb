"""Nothing is stale while the footprint of a current file may lack points."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import pytest

from shared.calendars import Count, encode
from shared.stale.ledger import plans_of
from shared.stale.loads import Loads, sort_loads
from shared.stale.plans import Footprints
from shared.stale.search import StalePart, StaleSearch
from shared.work_bucket import footprint_key
from tests.functional.conftest import WORK
from tests.functional.test_stale_histories import START, History
from tests.support.recorded_loads import encoded
from tests.support.stale_points import PAUSE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = "s3://b/1"
VALUES = frozenset(("m,t=x", time, "a") for time in range(10))
PARTS = [frozenset(value for value in VALUES if value[1] % 2 == part) for part in range(2)]


@pytest.fixture
def history(s3: "S3Client") -> History:
    """Two versions of an object with equal points, of which the current one has a footprint of two parts."""
    history = History(s3)
    history.load(NAME, VALUES, "loaded")
    history.load(NAME, VALUES, "loaded")
    for each in history._items:
        each["calendar"] = json.dumps(encode({"2024-01-01": Count(len(VALUES), 1, 0, 0)}))
    for part, values in enumerate(PARTS):
        s3.put_object(Bucket=WORK, Key=key_of(history, part), Body=encoded(values))
    return history


def key_of(history: History, part: int) -> str:
    return footprint_key("d", history._items[-1]["load_id"], "run", part)


def search(s3: "S3Client", history: History) -> tuple[int, list[str]]:
    """Return the number of stale parts, and the objects that are not checkable."""
    parts, loads = find(s3, history)
    return len(parts), loads.not_checkable


def find(s3: "S3Client", history: History) -> tuple[list[StalePart], Loads]:
    """Return the stale parts, and the loads."""
    plans = plans_of(Footprints(s3, WORK), history._items, in_bulk=True)
    loads = sort_loads(history._items, plans, START + timedelta(days=1), PAUSE)
    return list(StaleSearch(s3, WORK, history._measurement, loads).find()), loads


def test_nothing_is_stale_if_both_versions_have_the_same_points(s3: "S3Client", history: History) -> None:
    assert search(s3, history) == (0, [])


@pytest.mark.parametrize("status", ["loaded", "failed"])
def test_a_footprint_that_the_ledger_does_not_have_may_be_incomplete(
    s3: "S3Client", history: History, status: Literal["loaded", "failed"]
) -> None:
    """`loader footprints` was interrupted after the first part."""
    history._items[-1] |= {"footprint": "", "status": status, "points_written": 10}
    s3.delete_object(Bucket=WORK, Key=key_of(history, 1))
    assert search(s3, history) == (0, [NAME])


def test_a_footprint_without_its_first_part_is_incomplete(s3: "S3Client", history: History) -> None:
    s3.delete_object(Bucket=WORK, Key=key_of(history, 0))
    assert search(s3, history) == (0, [NAME])


def test_a_footprint_without_its_last_part_is_incomplete(s3: "S3Client", history: History) -> None:
    s3.delete_object(Bucket=WORK, Key=key_of(history, 1))
    assert search(s3, history) == (0, [NAME])


def test_of_a_replaced_footprint_without_its_last_part_nobody_knows_all_points(
    s3: "S3Client", history: History
) -> None:
    more = VALUES | {("m,t=y", 1, "a")}
    history._items[0]["calendar"] = json.dumps(encode({"2024-01-01": Count(len(more) + 5, 2, 0, 0)}))
    s3.put_object(Bucket=WORK, Key=footprint_key("d", history._items[0]["load_id"], "run", 0), Body=encoded(more))
    parts, loads = find(s3, history)
    assert [(part.points.series, len(part.points.points.time)) for part in parts] == [(["m,t=y"], 1)]
    assert (loads.not_checkable, loads.unknown) == ([], [NAME])
