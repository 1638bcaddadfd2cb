"""Stale points: the difference between InfluxDB and the current files after files were rewritten."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from shared.ledger import ledger, newest_of, version_items
from shared.stale.stale_set import stale_set
from tests.support.finished_load import StoringInflux
from tests.support.ledger_entries import put_items
from tests.support.revised_files import File, hours, key_of, stored
from tests.support.stale_points import Rewrites, every_load, search, stale, values_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY, OTHER = key_of(0, 1), key_of(1, 1)
FILE = hours("SE", 0, 4, 1.0) | hours("N", 0, 4, 1.0) | hours("N", 0, 4, 1.0, "efficiency")


@pytest.fixture
def rewrites(s3: "S3Client", context: SimpleNamespace, server: StoringInflux) -> Rewrites:
    return Rewrites(s3, context)


def without(file: File, *, region: str = "", hour: int = -1, field: str = "") -> File:
    return {point: value for point, value in file.items() if not {region, hour, field} & set(point)}


@pytest.mark.parametrize(
    ("replacement", "others", "expected"),
    [
        (FILE, {}, set()),
        (FILE.fromkeys(FILE, 2.0), {}, set()),
        (without(FILE, hour=3), {}, {p for p in FILE if p[1] == 3}),
        (without(FILE, region="N") | hours("NE", 0, 4, 1.0), {}, {p for p in FILE if p[0] == "N"}),
        (without(FILE, field="efficiency"), {}, {p for p in FILE if p[2] == "efficiency"}),
        (without(FILE, hour=3), hours("N", 3, 1, 5.0), {("SE", 3, "power_mw"), ("N", 3, "efficiency")}),
        ({}, {}, set(FILE)),
    ],
    ids=["equal", "corrected", "row gone", "renamed", "field gone", "shared with another file", "all gone"],
)
def test_what_a_new_version_no_longer_has_is_stale(
    rewrites: Rewrites, server: StoringInflux, replacement: File, others: File, expected: set[object]
) -> None:
    rewrites.load(KEY, FILE)
    if others:
        rewrites.load(OTHER, others)
    rewrites.load(KEY, replacement)
    assert stale(rewrites.s3) == expected == stored(server).keys() - replacement.keys() - others.keys()


def test_the_version_before_an_undone_one_is_current_again(s3: "S3Client", rewrites: Rewrites) -> None:
    """Also if the report of the undone load has expired: the ledger's item tells when it ended."""
    rewrites.load(KEY, FILE)
    undone = rewrites.load(KEY, without(FILE, region="SE") | hours("NE", 0, 4, 1.0))
    assert stale(s3) == {p for p in FILE if p[0] == "SE"}
    name, versions = f"s3://source/{KEY}", list(version_items(f"s3://source/{KEY}"))
    newest = newest_of(versions)
    assert newest
    put_items(ledger(), {**newest, "status": "undone", "load_ended_at": newest["changed_at"]})
    assert stale(s3) == set(hours("NE", 0, 4, 1.0))
    s3.delete_object(Bucket="work", Key=f"reports/generation/{undone.state['file']['load_id']}/run-2.json")
    assert stale(s3) == set(hours("NE", 0, 4, 1.0))
    first = newest_of(version_items(name))
    assert first
    assert first["version"] != newest["version"]
    put_items(ledger(), {**first, "status": "undone"})
    assert newest_of(version_items(name))


def test_a_point_that_a_running_load_plans_is_not_stale(s3: "S3Client", rewrites: Rewrites) -> None:
    rewrites.load(KEY, FILE)
    running = rewrites.start(OTHER, hours("SE", 3, 1, 9.0))
    assert next(states := running.run()) == "ConvertAndChunk"
    assert next(states) == "RegisterLoad"
    rewrites.settle(running, "claimed")
    rewrites.load(KEY, without(FILE, region="SE"))
    assert stale(s3) == {p for p in FILE if p[0] == "SE" and p[1] < 3}
    assert every_load(s3).running == [f"s3://source/{OTHER}"]


def test_rejected_points_of_a_replaced_load_are_counted_apart(
    s3: "S3Client", rewrites: Rewrites, server: StoringInflux
) -> None:
    server.rejected = "power_mw=9.0"
    rewrites.load(KEY, FILE | hours("S", 0, 2, 9.0))
    rewrites.load(KEY, without(FILE, hour=0))
    assert stale(s3) == {p for p in FILE if p[1] == 0} == stored(server).keys() - without(FILE, hour=0).keys()
    assert stale(s3, "rejected") == set(hours("S", 0, 2, 9.0))


def test_points_of_a_load_without_a_report_are_uncertain_unless_another_load_stored_them(
    s3: "S3Client", rewrites: Rewrites
) -> None:
    rewrites.load(KEY, hours("SE", 0, 2, 1.0))
    killed = rewrites.load(KEY, hours("SE", 1, 3, 1.0), status="failed")
    rewrites.load(KEY, hours("N", 0, 1, 1.0))
    assert stale(s3) == set(hours("SE", 0, 4, 1.0))
    s3.delete_object(Bucket="work", Key=f"reports/generation/{killed.state['file']['load_id']}/run-2.json")
    assert stale(s3) == set(hours("SE", 0, 2, 1.0))
    assert stale(s3, "uncertain") == set(hours("SE", 2, 2, 1.0))


def test_nothing_is_stale_while_a_current_file_has_no_footprint(s3: "S3Client", rewrites: Rewrites) -> None:
    rewrites.load(KEY, FILE)
    former = rewrites.load(OTHER, hours("SE", 0, 1, 1.0))
    rewrites.load(KEY, without(FILE, hour=3))
    assert stale(s3)
    for key in s3.list_objects_v2(Bucket="work", Prefix=f"footprints/generation/{former.state['file']['load_id']}")[
        "Contents"
    ]:
        s3.delete_object(Bucket="work", Key=key["Key"])
    assert not stale(s3)
    assert every_load(s3).not_checkable == [f"s3://source/{OTHER}"]


def test_points_that_may_be_stored_and_are_not_to_be_removed_are_kept(
    s3: "S3Client", rewrites: Rewrites, server: StoringInflux
) -> None:
    """They are uncertain, stale and of a file that is not selected, or rejected points of a current file."""
    rewrites.load(KEY, hours("SE", 0, 4, 1.0))
    rewrites.load(OTHER, hours("S", 0, 2, 1.0))
    rewrites.load(OTHER, hours("S", 0, 1, 1.0))
    killed = rewrites.load(KEY, hours("CO", 0, 2, 1.0), status="failed")
    s3.delete_object(Bucket="work", Key=f"reports/generation/{killed.state['file']['load_id']}/run-4.json")
    server.rejected = "power_mw=9.0"
    rewrites.load(KEY, hours("N", 0, 6, 1.0) | hours("NE", 0, 1, 9.0))
    points = stale_set(search(s3), lambda name: name.endswith(KEY))
    assert set(values_of(points.stale)) == set(hours("SE", 0, 4, 1.0))
    optional = set(hours("CO", 0, 2, 1.0)) | set(hours("S", 1, 1, 1.0)) | set(hours("NE", 0, 1, 9.0))
    assert set(values_of(points.optional)) == optional
    assert set(values_of(points.current)) == optional | set(hours("N", 0, 4, 1.0)) | set(hours("S", 0, 1, 1.0))
