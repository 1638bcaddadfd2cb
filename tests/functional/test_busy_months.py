"""Months with many loads: a load reads and compares only those that may have points in common with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.register_load.protocol import newer_written
from functions.register_load.series_bits import encode_bits, series_bits
from shared.aws_clients import dynamodb_resource, s3_client
from shared.registrations import Registration, Registrations
from tests.functional.conftest import LEDGER
from tests.support.aws_events import handling
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import File, finish, hours, key_of, newest, put, stored
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OLD = hours("SE", 0, 10, 1.0)
NOW = "2024-02-01T00:00:00Z"


def item(name: str, **attributes: Any) -> Registration:
    """Return the registration of a written load that has ended, with points from time 10 to time 20."""
    registration: dict[str, Any] = {"object": "points:ons/generation_data/2024-01", "version": name, "written": True}
    registration |= {"source": f"s3://source/{name}", "source_version": "v1", "revision": "", "last_modified": 1}
    registration |= {"first_ns": 10, "last_ns": 20, "active_until": "2024-01-01T00:00:00Z", "bucket_id": ""}
    registration |= {"sequencer": "", "dataset": "generation", "load_id": name, "execution": "run"}
    return {**registration, **attributes}  # type: ignore[typeddict-item]


OTHERS = {
    "at the same time": item("at the same time", first_ns=20, last_ns=30),
    "later": item("later", first_ns=21, last_ns=30),
    "earlier": item("earlier", first_ns=0, last_ns=9),
    "of the same object": item("of the same object", first_ns=21, last_ns=30, source="s3://source/own"),
    "failed": item("failed", first_ns=21, last_ns=30, written=False),
    "failed, and expires": item("failed, and expires", first_ns=21, last_ns=30, written=False, expires_at=1),
    "writes": item("writes", first_ns=21, last_ns=30, written=False, active_until="2024-02-01T00:00:01Z"),
}


@pytest.mark.usefixtures("ledger")
def test_a_load_reads_only_the_registrations_that_concern_it() -> None:
    registrations, own = Registrations(dynamodb_resource().Table(LEDGER)), item("own")
    for each in (own, *OTHERS.values()):
        registrations.add(each)
    concerning = {each["version"] for each in registrations.read_concerning(own, NOW)}
    assert concerning == {"own", "at the same time", "of the same object", "failed"}


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("count", [2, 101])
def test_the_registrations_of_very_many_objects_are_read_with_all_others(count: int) -> None:
    registrations = Registrations(dynamodb_resource().Table(LEDGER))
    for number in range(count + 1):
        registrations.add(item(f"{number:03}"))
    read = registrations.read_sources(item("")["object"], {f"s3://source/{number:03}" for number in range(count)})
    assert len(read) == (count if count == 2 else count + 1)


def test_a_version_that_was_replaced_by_one_of_another_time_supersedes_nothing(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    def load(day: int, file: File, later: int = 0) -> StepwiseLoad:
        put(s3, key_of(day, day), file)
        load = StepwiseLoad(s3, context, key_of(day, day))
        load.state["file"]["claim"]["last_modified"] += later  # S3 counts seconds
        return load

    finish(load(2, hours("SE", 0, 10, 2.0)))
    finish(load(2, hours("SE", 100, 10, 2.0), later=1))
    finish(load(1, OLD))
    assert stored(server) == newest([OLD, hours("SE", 100, 10, 2.0)])


@contextmanager
def s3_requests() -> Iterator[list[str]]:
    """Collect the names of the requests to S3 meanwhile."""
    names: list[str] = []

    def add(model: Any, **_: Any) -> None:
        names.append(model.name)

    with handling(s3_client().meta.events, "before-call.s3", add):
        yield names


@pytest.mark.parametrize("region", ["N", "SE"])
def test_the_footprints_of_loads_without_a_common_series_are_not_read(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux, region: str
) -> None:
    for number in range(3):
        put(s3, key_of(number, 2), hours("SE", 0, 10, 2.0))
        finish(StepwiseLoad(s3, context, key_of(number, 2)))
    put(s3, key_of(0, 1), hours(region, 0, 10, 1.0))
    steps = StepwiseLoad(s3, context, key_of(0, 1)).run()
    assert next(step for step in steps if step == "RegisterLoad")
    with s3_requests() as requests:
        next(steps)
    assert requests.count("ListObjectsV2") == (3 if region == "SE" else 0)


def test_loads_may_share_points_unless_both_tell_their_series() -> None:
    bits = {name: encode_bits(series_bits([f"m,plant={name}"])) for name in ("a", "b")}
    own, other = item("own", series=bits["a"]), item("other", series=bits["b"], last_modified=2)
    assert newer_written(own, [other]) == []
    for known in ({**other, "series": bits["a"]}, item("other", last_modified=2)):
        assert newer_written(own, [known]) == [known]  # type: ignore[list-item]
