"""The page that compares benchmark results with committed ones."""

from benchmarks.trend import Trend, page


def test_a_ratio_that_lost_more_than_a_tenth_is_flagged() -> None:
    assert Trend("load", "speed", [1.2, 1.0], 0.89).is_loss
    assert not Trend("load", "speed", [1.2, 1.0], 0.91).is_loss


def test_a_ratio_without_a_past_is_no_loss() -> None:
    assert not Trend("load", "speed", [], 0.1).is_loss


def test_the_page_has_the_first_the_best_and_the_last_committed_value() -> None:
    *_, row = page([Trend("load", "speed", [1.0, 3.0, 2.0], 1.5)]).splitlines()
    assert row == "| load | speed | 1.000 | 3.000 | 2.000 | 1.500 | **lost 25%** |"
