"""`loader coverage`, on a ledger of moto."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.functional.cli.test_coverage import loaded
from tests.support.command_line import run_loader
from tests.support.ledger_entries import failed_item, item, put_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

pytestmark = pytest.mark.usefixtures("aws")


def put_loads(ledger: "Table") -> None:
    runs = [["2024-01-01", 2, 48, 2, 5, 6], ["2024-01-04", 1, 24, 1, 7, 8], ["2024-01-05", 2, 48, 2, 5, 6]]
    put_items(ledger, loaded("a", *runs, verdict="partly loaded"), failed_item("b", 1), item("c", "loaded", 1))


def test_the_table_shows_gaps_and_partly_loaded_files(ledger: "Table") -> None:
    put_loads(ledger)
    lines = run_loader("coverage").stdout.splitlines()
    assert lines[0].startswith("generation: 2 files, usually 2 series")
    assert [line.split() for line in lines[2:6]] == [
        ["2024-01-01", "2024-01-02", "48", "2", "1", "file", "partly", "loaded"],
        ["2024-01-03", "2024-01-03", "0", "0", "no", "points"],
        ["2024-01-04", "2024-01-04", "24", "1", "1", "series", "missing", "1", "file", "partly", "loaded"],
        ["2024-01-05", "2024-01-06", "48", "2", "1", "file", "partly", "loaded"],
    ]
    assert "Not included: 1 file that an earlier release loaded" in lines[6]


def test_json_has_all_days_and_html_a_page(ledger: "Table", tmp_path: Path) -> None:
    put_loads(ledger)
    [content] = json.loads(run_loader("coverage", "--json", "--html", str(tmp_path / "page.html")).stdout)
    assert [day["missing_series"] for day in content["periods"]] == [0, 0, 2, 1, 0, 0]
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_without_loaded_files_it_says_so(ledger: "Table") -> None:
    assert "no loaded files found" in run_loader("coverage", "dataset=generation/").stdout
