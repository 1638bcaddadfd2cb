"""The heat map of `loader coverage`: one page that loads nothing else."""

from cli.coverage import measure_coverage
from cli.coverage_page import render_page
from tests.functional.cli.test_coverage import loaded
from tests.support.pages import check_alone, check_structure


def test_each_day_is_a_cell_with_its_counts() -> None:
    items = [loaded("a", ["2024-01-30", 1, 24, 1, 1, 1], ["2024-02-01", 1, 24, 1, 1, 1], verdict="partly loaded")]
    page = render_page(measure_coverage(items))
    assert 'class="none" title="2024-01-31: 0 points, 0 series"' in page
    assert 'class="partly" title="2024-02-01: 24 points, 1 series"' in page
    assert page.count("<td></td>") == 29
    check_alone(page)
    check_structure(page)
