"""`loader show`: the report of one load, as text, JSON and page."""

import json
from pathlib import Path
from typing import Any

from tests.functional.conftest import WORK
from tests.support.command_line import run_loader


def test_a_report_accounts_for_every_row_and_chunk(load: Any) -> None:
    result = run_loader("show", load["load_id"][:8])
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "dataset=generation/a.parquet partly loaded"
    for line in (
        "47 points stored in InfluxDB",
        "1 points that InfluxDB rejected",
        "2 set aside: missing_tag",
        "time 2024-01-01T00:00:00Z to 2024-01-03T01:00:00Z",
        "series 2",
        f"report s3://{WORK}/{load['report']}",
    ):
        assert line in lines
    chunk = lines[lines.index("chunk points batches requests seconds rejected unknown started (UTC)") + 1].split()
    assert (chunk[:3], chunk[5]) == (["0000-0000", "47/48", "1/1"], "1")


def test_for_programs_it_is_the_stored_report(load: Any) -> None:
    assert json.loads(run_loader("show", load["load_id"], "--json").stdout)["response"]["data"] == load


def test_the_page_is_saved(load: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run_loader("show", load["load_id"], "--page", str(page)).exit_code == 0
    assert load["load_id"] in page.read_text()


def test_a_load_that_does_not_exist_has_status_2(load: Any) -> None:
    result = run_loader("show", "feedbeef")
    assert (result.exit_code, "no load ID, execution, or key starts with 'feedbeef'" in result.stderr) == (2, True)
