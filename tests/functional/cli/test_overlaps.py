"""Which pairs of files may have common points, and whose values stand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.overlaps import SeriesSpans, comparable, standing
from shared.footprints import Footprint, PointBlock
from shared.ledger import LedgerItem
from tests.support.ledger_entries import item
from tests.support.slots import declare

FOLDER = "processing_metadata_processed_at=2024-0{}-01/"


def footprint(spans: dict[str, list[int]]) -> Footprint:
    numbers = [number for number, name in enumerate(sorted(spans)) for _ in spans[name]]
    times = [time for name in sorted(spans) for time in sorted(spans[name])]
    block = PointBlock(np.array(numbers, np.int32), np.array(times), np.ones(len(times), np.uint64))
    return Footprint(sorted(spans), ("x",), block)


parts = st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 9), min_size=1, max_size=3), min_size=1)


@given(st.lists(st.lists(parts, max_size=2), max_size=6))
def test_the_pairs_are_those_with_a_series_that_overlaps_in_time(files: list[list[dict[str, list[int]]]]) -> None:
    spans = SeriesSpans()
    for number, each in enumerate(files):
        for part in each:
            spans.add(number, footprint(part))
    expected = {
        (one, other)
        for other in range(len(files))
        for one in range(other)
        for first in files[one]
        for second in files[other]
        if any(
            min(first[name]) <= max(second[name]) and min(second[name]) <= max(first[name])
            for name in first.keys() & second.keys()
        )
    }
    assert spans.pairs() == expected


def loaded(key: str, minutes_ago: int, **more: Any) -> LedgerItem:
    """Return an item of a load of this release."""
    facts: LedgerItem = item(key, "loaded", minutes_ago, points_superseded=0, **more)
    return facts


OLD, NEW = f"{FOLDER.format(1)}z", f"{FOLDER.format(2)}a"


@pytest.mark.parametrize(
    ("first", "last", "stands", "reason"),
    [
        (loaded(OLD, 9), loaded(NEW, 1), NEW, "newer revision"),
        (loaded(NEW, 9), loaded(OLD, 1), NEW, "newer revision"),
        (loaded("b", 9, written=2), loaded("a", 1, written=1), "b", "of the same revision, but modified last"),
        (item(NEW, "loaded", 9), loaded(OLD, 1), OLD, "written last, by accident: an earlier release"),
        (item(OLD, "loaded", 9), loaded(NEW, 1), NEW, "newer revision"),
    ],
)
def test_the_newer_file_stands_unless_an_earlier_release_wrote_it_before(
    first: LedgerItem, last: LedgerItem, stands: str, reason: str
) -> None:
    for one, other in ((first, last), (last, first)):
        result = standing(one, other)
        assert result
        assert result.file["object"].endswith(stands)
        assert {result.file["object"], result.other["object"]} == {first["object"], last["object"]}
        assert result.reason.startswith(reason)


def test_without_revisions_the_last_one_stands_by_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, revision=None)
    result = standing(loaded("a", 1), loaded("b", 9, written=5))
    assert result
    assert result.file["object"].endswith("/a")
    assert result.reason == "written last, by accident: the dataset declares no revision"


def test_files_in_a_database_that_was_replaced_are_not_compared() -> None:
    assert standing(loaded("a", 1, bucket_id="one"), loaded("b", 1, bucket_id="two")) is None


def test_files_without_a_footprint_or_a_dataset_are_named() -> None:
    items = [loaded("a", 1, footprint="f/"), loaded("b", 1), loaded("c", 1, footprint="f/", dataset="gone")]
    known, unknown = comparable(items)
    assert (known, unknown) == (items[:1], items[1:])
