"""The limits on a load's rows and points."""

import re
from dataclasses import replace
from typing import Any

import pytest

from shared.datasets import DATASETS
from shared.errors import InvalidRecordsError, RefusedPointsError
from shared.load_limits import check_rejected, check_set_aside, collision_limit, set_aside_limit
from shared.load_totals import Outcomes

SAMPLE = {"source_row": 7, "record": {"region": "-"}}
REASON = {"rule": "missing_tag", "reason": "region is empty", "rows": 300, "samples": [SAMPLE]}


def part(set_aside: int, all_null: int = 0) -> Any:
    return {
        "set_aside": {"missing_tag": set_aside - all_null, "no_field": all_null},
        "all_null": all_null,
        "reasons": [REASON] if set_aside else [],
    }


def test_the_share_is_that_of_the_whole_file() -> None:
    outcomes = Outcomes(parts=[part(300), part(0)])
    check_set_aside(outcomes, 3000, 0.1)
    with pytest.raises(InvalidRecordsError) as raised:
        check_set_aside(outcomes, 2999, 0.1)
    assert "300 of 2999 rows would be set aside (MAX_SET_ASIDE_RATE is 0.1)" in str(raised.value)
    assert "300 missing_tag (region is empty), for example row 7: region=-" in str(raised.value)


def test_rows_whose_fields_are_all_null_do_not_count() -> None:
    check_set_aside(Outcomes(parts=[part(900, all_null=900)]), 1000, 0.0)


def test_a_dataset_may_have_limits_of_its_own() -> None:
    generation = DATASETS["generation"]
    assert set_aside_limit(generation, 0.5) == 0.5
    assert set_aside_limit(replace(generation, max_set_aside_rate=0.0), 0.5) == 0.0
    assert collision_limit(generation, 0.5) == 0.5
    assert collision_limit(replace(generation, max_collision_rate=0.0), 0.5) == 0.0


def written(stored: int, rejected: int, unknown: int = 0) -> Outcomes:
    points = stored + rejected + unknown
    chunk = {"chunk": "0000-0000", "sha256": "", "points": points}
    outcome: Any = {
        **chunk,
        "batches": 1,
        "written": {"0": stored},
        "refused": {"0": rejected},
        "unknown": {"0": unknown},
        "unfinished": {},
        "not_started": 0,
        "running": False,
        "reasons": [],
    }
    parts: Any = [{"points": points, "chunks": [chunk], "reasons": []}]
    return Outcomes(parts=parts, chunks=[outcome])


@pytest.mark.parametrize(
    ("stored", "rejected", "unknown"), [(0, 0, 0), (1, 100, 0), (1, 50, 50), (99_000, 1000, 0), (99_000, 500, 500)]
)
def test_a_load_may_lose_a_hundred_points_or_a_hundredth(stored: int, rejected: int, unknown: int) -> None:
    check_rejected(written(stored, rejected, unknown), 0.01)


@pytest.mark.parametrize(
    ("stored", "rejected", "unknown", "words"),
    [
        (0, 1, 0, "rejected all points; correct the bucket"),
        (0, 0, 1, "rejected 0 of 1 points, and it is unknown whether it stored 1 others; correct the bucket"),
        (1, 101, 0, "rejected 101 of 102 points (MAX_REJECTED_RATE is 0.01); correct the bucket"),
        (800, 60, 41, "rejected 60 of 901 points, and it is unknown whether it stored 41 others (MAX_REJECTED_RATE is"),
        (98_999, 1001, 0, "rejected 1001 of 100000 points (MAX_REJECTED_RATE is 0.01); correct the bucket"),
    ],
)
def test_a_load_that_stores_nothing_or_loses_more_fails(stored: int, rejected: int, unknown: int, words: str) -> None:
    with pytest.raises(RefusedPointsError, match=re.escape(words)):
        check_rejected(written(stored, rejected, unknown), 0.01)


def test_a_load_whose_other_points_are_superseded_may_lose_one() -> None:
    outcomes = written(0, 1)
    outcomes.parts[0] |= {"points": 1000, "superseded": 999}
    check_rejected(outcomes, 0.01)
