"""Points in temporary files: each window once, in order of time."""

from pathlib import Path

import numpy as np

from cli.spool import Points, Spool, points_type

ONE_FIELD = points_type(("power_mw",))


def points(*times: int) -> Points:
    """Points of one series, whose value is their position."""
    array = np.zeros(len(times), ONE_FIELD)
    array["time"], array["values"][:, 0] = times, range(len(times))
    return array


def test_points_come_back_by_window_in_the_order_in_which_they_were_added(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 10, ONE_FIELD)
    spool.add(points(25, -5, 21))
    spool.add(points(22, 3))
    assert [window["time"].tolist() for window in spool.read()] == [[-5], [3], [25, 21, 22]]


def test_values_come_back_to_the_last_bit(tmp_path: Path) -> None:
    spool, array = Spool(tmp_path / "spool", 10, ONE_FIELD), points(1, 2)
    array["values"][:, 0] = [0.1, np.nan]
    spool.add(array)
    [window] = spool.read()
    assert window.tobytes() == array.tobytes()


def test_no_file_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 10, ONE_FIELD)
    spool.add(points(1, 11))
    assert len([*spool.read()]) == 2
    assert [*(tmp_path / "spool").iterdir()] == []
