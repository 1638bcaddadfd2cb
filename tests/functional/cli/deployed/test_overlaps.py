"""The common points of files, by their footprints and their sources."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from cli.deployed.overlaps import Overlap, find_overlaps
from cli.deployed.stack import Deployment
from shared.ledger import object_name
from shared.settings import STACK_NAME
from tests.functional.conftest import SOURCE
from tests.support.builders import HOUR, START, generation
from tests.support.finished_load import StoringInflux, load_file
from tests.support.ledger_entries import item

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "dataset=generation/processing_metadata_processed_at=2024-0{}-01/{}.parquet"


def hours(first: int, count: int, **columns: Any) -> pa.Table:
    times = pa.array([START + (first + hour) * HOUR for hour in range(count)], pa.timestamp("us", "UTC"))
    return generation(count, timestamp=times, power_mw=[float(first + hour) for hour in range(count)], **columns)


@pytest.fixture
def load_item(s3: "S3Client", context: SimpleNamespace, database: StoringInflux) -> Any:
    """Load a file, and return its item in the ledger."""

    def load(number: int, name: str, table: pa.Table, **more: Any) -> Any:
        key = KEY.format(number, name)
        data = load_file(s3, context, key, table)
        head = s3.head_object(Bucket=SOURCE, Key=key)
        facts = {name: data["footprint"][name] for name in ("measurement", "first_time", "last_time", "calendar")}
        facts |= {"footprint": data["footprint"]["prefix"], "points_superseded": 0, "etag": head["ETag"]}
        same = {"object": object_name(SOURCE, key), "load_id": data["load_id"]}
        return item(name, "loaded", 5 - number, version=head["VersionId"], **facts) | same | more

    return load


def overlaps(*items: Any) -> list[Overlap]:
    return list(find_overlaps(Deployment(STACK_NAME), items))


def test_common_points_and_different_values_are_counted(load_item: Any) -> None:
    first = load_item(1, "a", hours(0, 10))
    second = load_item(2, "b", hours(6, 10).set_column(4, "power_mw", pa.array([6.0, 7.0, 99.0, 98.0, *[0.0] * 6])))
    third = load_item(3, "c", hours(11, 10))
    elsewhere = load_item(1, "d", hours(0, 30, region=["N"] * 30))
    [early, late] = sorted(overlaps(elsewhere, third, second, first), key=lambda overlap: overlap.points)
    assert (early.points, early.different) == (4, 2)
    assert (early.standing.file, early.standing.other) == (second, first)
    assert (late.standing.file, late.standing.other, late.points, late.different) == (third, second, 5, 5)


def test_only_common_fields_of_a_point_count(load_item: Any) -> None:
    power = load_item(1, "a", hours(0, 4, efficiency=[None, None, 0.5, 0.5]))
    efficiency = hours(0, 4, efficiency=[0.1, 0.2, 0.5, 0.7]).set_column(4, "power_mw", pa.nulls(4, pa.float64()))
    [overlap] = overlaps(power, load_item(2, "b", efficiency))
    assert (overlap.points, overlap.different) == (2, 1)


def test_files_without_a_common_point_do_not_overlap(load_item: Any) -> None:
    """Also if their series and times do."""
    even, odd = ([START + hour * HOUR for hour in range(first, 10, 2)] for first in (0, 1))
    items = [
        load_item(1, name, generation(5, timestamp=pa.array(times, pa.timestamp("us", "UTC"))))
        for name, times in (("a", even), ("b", odd))
    ]
    assert overlaps(*items) == []


def test_values_are_unknown_if_a_source_is_gone_or_was_replaced(s3: "S3Client", load_item: Any) -> None:
    one, other = load_item(1, "a", hours(0, 4)), load_item(2, "b", hours(0, 4))
    [replaced] = overlaps(one, other | {"etag": '"other"'})
    assert (replaced.points, replaced.different) == (4, None)
    s3.delete_object(Bucket=SOURCE, Key=KEY.format(1, "a"), VersionId=one["version"].partition(" ")[2])
    [gone] = overlaps(one, other)
    assert (gone.points, gone.different) == (4, None)
