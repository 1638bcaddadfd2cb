"""Line protocol as arrays, in memory and in files."""

from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cli import sent_points
from cli import spool as spool_module
from cli.errors import RefusedError
from cli.sent_points import SentPoints, SeriesTable, parse_lines
from cli.spool import Spool, points_type


def test_fields_that_a_line_lacks_are_nan() -> None:
    table = SeriesTable()
    points = parse_lines(pa.array(["m,t=x a=1,b=2 10", "m,t=y b=4e-07 -11"]), ("a", "b"), table)
    assert points["values"].tolist()[0] == [1.0, 2.0]
    assert (np.isnan(points["values"][1, 0]), points["values"][1, 1]) == (True, 4e-07)
    assert (points["time"].tolist(), points["series"].tolist()) == ([10, -11], [0, 1])
    assert table.names == ["m,t=x", "m,t=y"]


def test_tag_values_may_hold_spaces_commas_and_equals_signs() -> None:
    table = SeriesTable()
    points = parse_lines(pa.array([r"m,s=Ó\,x,t=a\ b\=c a=1 10"]), ("a",), table)
    assert points["values"].tolist() == [[1.0]]
    assert table.tags(0) == {"s": "Ó,x", "t": "a b=c"}


def test_a_negative_zero_is_what_influxdb_gives_back_for_it() -> None:
    points = parse_lines(pa.array(["m a=-0.0 10"]), ("a",), SeriesTable())
    assert str(points["values"][0, 0]) == "0.0"


def test_a_field_that_the_dataset_no_longer_declares_is_named() -> None:
    with pytest.raises(RefusedError, match="no longer declares: old"):
        parse_lines(pa.array(["m old=1 10"]), ("a",), SeriesTable())


def test_the_last_value_of_a_field_counts_across_chunks(tmp_path: Path) -> None:
    sent = SentPoints(("a", "b"), tmp_path / "points", width_ns=100)
    sent.add([pa.array(["m,t=x a=1,b=2 10", "m,t=x a=3 10"]), pa.array(["m,t=y b=4 10", "m,t=x b=5 10"])])
    [block] = sent.blocks(10)
    assert block["values"].tolist()[0] == [3.0, 5.0]
    assert block["values"][1, 1] == 4.0


@pytest.mark.parametrize("times", [range(-500, 500), [*range(50), *[7] * 100, 10**18], [-(2**63) + 2, 2**63 - 2]])
def test_a_window_with_too_many_points_is_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: list[int]
) -> None:
    monkeypatch.setattr(spool_module, "MAX_SPOOL_POINTS", 30)
    lines = pa.array([f"m,t={n % 7} a={n} {time}" for n, time in enumerate(times)])
    spool = Spool(tmp_path / "spool", 2**62, points_type(("a",)))
    spool.add(parse_lines(lines, ("a",), SeriesTable()))
    assert all(len(points) <= 30 or len({*points["time"]}) == 1 for points in spool.read())
    assert [*(tmp_path / "spool").glob("**/*")] == [*(tmp_path / "spool").glob("**/*.d")]
    sent = SentPoints(("a",), tmp_path / "points", width_ns=2**62)
    sent.add([lines])
    blocks = [block["time"].tolist() for block in sent.blocks(20)]
    assert all(len(block) <= 20 for block in blocks)
    assert [*chain(*blocks)] == sorted(time for time, _ in {(time, n % 7) for n, time in enumerate(times)})


def test_windows_outside_the_sample_are_not_kept(tmp_path: Path) -> None:
    sent = SentPoints(("a",), tmp_path / "points", width_ns=10, windows=frozenset({-1, 2}))
    sent.add([pa.array([f"m a=1 {time}" for time in range(-20, 40)])])
    assert [block["time"].tolist() for block in sent.blocks(100)] == [[*range(-10, 0), *range(20, 30)]]


@pytest.mark.parametrize("times", [[n // 7 for n in range(70)], [0] * 25 + [1] * 5, [*range(50)]])
def test_a_block_ends_with_the_last_point_of_a_time_unless_one_time_exceeds_it(
    tmp_path: Path, times: list[int]
) -> None:
    sent = SentPoints(("a",), tmp_path / "points", width_ns=3)
    sent.add([pa.array([f"m,t={n} a=1 {time}" for n, time in enumerate(times)])])
    blocks = [block["time"].tolist() for block in sent.blocks(20)]
    assert [*chain(*blocks)] == times
    assert all(len(block) <= 20 for block in blocks)
    cuts = [(one[-1], next_[0]) for one, next_ in pairwise(blocks)]
    assert all(last < first or times.count(last) > 20 for last, first in cuts)
    assert len(blocks) <= len(times) // 14 + 1


def test_a_long_chunk_is_parsed_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_points, "PIECE_LINES", 7)
    sent = SentPoints(("a", "b"), tmp_path / "points", width_ns=100)
    sent.add([pa.array([f"m,t={n % 3} {'ab'[n % 2]}={n} {n}" for n in range(20)])])
    [block] = sent.blocks(100)
    assert (sent.lines, block["time"].tolist()) == (20, [*range(20)])
    assert [sent.table.names[number] for number in block["series"]] == [f"m,t={n % 3}" for n in range(20)]
    assert np.nan_to_num(block["values"]).sum(axis=1).tolist() == [*range(20)]
