"""A plan of a file with several parts: it compares them with each other, as the load does."""

import io
import json
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cli.dry_run import convert_file
from cli.tally import Tally
from shared.errors import CollidingRecordsError
from shared.settings import conversion_settings
from tests.functional.conftest import WORK
from tests.support.builders import parquet
from tests.support.cut_files import Row, outcomes, random_rows, start_load, table_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from shared.stored import PartOutcome

PART_ROWS = 7


def without_times(parts: "list[PartOutcome]") -> Any:
    return json.loads(json.dumps([{**part, "started_at": "", "seconds": 0.0} for part in parts]))


def plan(rows: list[Row], load: Any, **environment: str) -> tuple[Tally, list[int]]:
    """Plan a file with the parts of its load, and return what was counted, and the points of each chunk."""
    points = list[int]()
    tally = Tally(points.append)
    content = io.BytesIO(parquet(table_of(rows), row_group_size=PART_ROWS))
    convert_file(content, load.state["file"], tally, conversion_settings(environment), environment)
    return tally, points


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_has_the_outcomes_of_the_load(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int
) -> None:
    monkeypatch.setenv("MAX_COLLISION_RATE", "1")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = random_rows(np.random.default_rng(seed))
    load = start_load(s3, context, rows, PART_ROWS)
    assert "ConvertAgain" in list(takewhile(lambda step: step != "RegisterLoad", load.run()))
    objects = s3.list_objects_v2(Bucket=WORK)["KeyCount"]
    tally, points = plan(rows, load, MAX_COLLISION_RATE="1")
    assert without_times(tally.parts) == without_times(outcomes(s3, load).parts)
    assert sum(points) > sum(part["points"] for part in tally.parts)
    assert tally.packed_bytes > 0
    assert s3.list_objects_v2(Bucket=WORK)["KeyCount"] == objects
    assert list(tmp_path.iterdir()) == []


def test_the_limits_are_those_of_the_whole_file(s3: "S3Client", context: SimpleNamespace) -> None:
    rows: list[Row] = [("SE", hour % 10, float(hour), None) for hour in range(2 * PART_ROWS)]
    load = start_load(s3, context, rows, PART_ROWS)
    plan(rows, load, MAX_COLLISION_RATE="0.3")
    with pytest.raises(CollidingRecordsError, match=r"^4 of 14 rows .* is 0.25"):
        plan(rows, load, MAX_COLLISION_RATE="0.25")
