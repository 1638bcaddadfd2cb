"""JudgeRevisions counts stale points again: each slot by itself, and as long as there is time."""

from types import SimpleNamespace
from typing import Any

import pytest

from shared.ledger import ledger
from shared.stale.records import StaleRecords
from tests.support.finished_load import StoringInflux
from tests.support.ledger_entries import item, put_items
from tests.support.revised_files import hours, key_of
from tests.support.stale_checks import check, counts, judge, let_all_be_due, stale_records
from tests.support.stale_points import Rewrites

KEY, OTHER = key_of(0, 1), key_of(1, 1)
NAME = f"s3://source/{KEY}"
FILE = hours("SE", 0, 4, 1.0)


@pytest.fixture
def rewrites(s3: Any, context: SimpleNamespace, server: StoringInflux) -> Rewrites:
    return Rewrites(s3, context)


def rewrite(rewrites: Rewrites, context: Any, key: str, region: str = "SE") -> None:
    """Load a file, and then a version without two of its points."""
    rewrites.load(key, hours(region, 0, 4, 1.0))
    load = rewrites.start(key, hours(region, 0, 2, 1.0))
    check(rewrites, context, load)
    rewrites.settle(load, "loaded")


def test_points_do_not_stay_stale_if_the_load_failed_after_they_were_counted(rewrites: Rewrites, context: Any) -> None:
    rewrites.load(KEY, FILE)
    load = rewrites.start(KEY, hours("SE", 0, 2, 1.0))
    check(rewrites, context, load)
    let_all_be_due()
    judge(context)
    assert counts() == [(NAME, 2)], "the load has not ended"
    load.fail()
    rewrites.settle(load, "failed")
    let_all_be_due()
    judge(context)
    assert counts() == []


def test_a_check_that_could_compare_nothing_keeps_the_former_count(rewrites: Rewrites, context: Any) -> None:
    rewrite(rewrites, context, KEY)
    without_footprint = rewrites.load(OTHER, FILE)
    rewrites.s3.delete_object(Bucket="work", Key=footprint_of(rewrites, without_footprint))
    let_all_be_due()
    judge(context)
    [record] = stale_records()
    assert (record["points"], record["not_checkable_count"], record["due_at"] > "2025") == (2, 1, True)


def footprint_of(rewrites: Rewrites, load: Any) -> str:
    """Return the key of the only object of a load's footprint."""
    prefix = f"footprints/generation/{load.state['file']['load_id']}/"
    [content] = rewrites.s3.list_objects_v2(Bucket="work", Prefix=prefix)["Contents"]
    return content["Key"]


def test_a_dataset_that_is_no_longer_declared_does_not_keep_other_files_from_being_checked(
    rewrites: Rewrites, context: Any
) -> None:
    rewrite(rewrites, context, KEY)
    rewrites.load(KEY, FILE)
    let_all_be_due()
    [record] = stale_records()
    former = item("former.parquet", "loaded", 9, dataset="former")
    put_items(ledger(), former)
    source = {"name": former["object"], "source": former["object"], "source_version": former["version"]}
    StaleRecords(ledger()).put({**record, **source, "due_at": "2023-12-31T00:00:00Z"})  # type: ignore[typeddict-item]
    judge(context)
    [left] = stale_records()
    assert (left["name"], left["points"], left["due_at"] > "2025") == (former["object"], 2, True)


def test_files_for_which_no_time_is_left_are_checked_by_the_next_sweep(rewrites: Rewrites, context: Any) -> None:
    for key, region in ((KEY, "SE"), (OTHER, "N")):
        rewrite(rewrites, context, key, region)
        rewrites.load(key, hours(region, 0, 4, 1.0))
    let_all_be_due()
    judge(context, lambda: 600_000 if len(counts()) == 2 else 200_000)
    assert len(counts()) == 1
    judge(context)
    assert counts() == []


def test_a_check_that_is_killed_is_not_repeated_at_once(
    rewrites: Rewrites, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work bucket does not answer any more, as if the time were over."""
    rewrite(rewrites, context, KEY)
    let_all_be_due()
    monkeypatch.setenv("WORK_BUCKET", "gone")
    judge(context)
    [record] = stale_records()
    assert (record["points"], record["due_at"] > "2025") == (2, True)
