"""`loader index`, on a ledger of moto: one page, and the pages of the loads beside it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.conftest import WORK
from tests.support.command_line import run_loader
from tests.support.ledger_entries import failed_item, item, put_items
from tests.support.pages import Page, check_alone, check_structure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.usefixtures("aws")

REPORT = "reports/generation/0000/run.json"


def put_loads(ledger: "Table") -> None:
    counts: dict[str, Any] = {"input_rows": 1500, "points_written": 1490}
    put_items(
        ledger,
        item("new.parquet", "loaded", 1, report=REPORT, verdict="partly loaded", **counts),
        failed_item("old.parquet", 9, report="reports/generation/0000/expired.json"),
        item("skipped.parquet", "skipped", 2),
        item("now.parquet", "claimed", 0),
    )


def test_the_last_loads_are_listed_with_links_to_their_pages(ledger: "Table", s3: "S3Client", tmp_path: Path) -> None:
    put_loads(ledger)
    s3.put_object(Bucket=WORK, Key="reports/generation/0000/run.html", Body=b"the page")
    printed = run_loader("index", str(tmp_path)).stdout
    assert printed.splitlines()[0] == f"{tmp_path / 'index.html'}: 3 loads"
    assert "1 page could not be downloaded" in printed
    content = (tmp_path / "index.html").read_text()
    check_alone(content)
    check_structure(content)
    page = Page(content)
    keys = [f"dataset=generation/{name}.parquet" for name in ("now", "new", "old")]
    assert sorted(keys, key=page.text.index) == keys
    assert "partly loaded" in page.text
    assert "1,500 1,490" in page.text
    assert "CorruptParquetError" in page.text
    links = [link["href"] for link in page.of("a") if not link["href"].startswith("https:")]
    assert links == ["reports/generation/0000/run.html", "reports/generation/0000/expired.html"]
    assert (tmp_path / links[0]).read_text() == "the page"


def test_json_names_the_page(ledger: "Table", tmp_path: Path) -> None:
    put_loads(ledger)
    printed = json.loads(run_loader("index", str(tmp_path), "--no-pages", "--json").stdout)
    assert printed == {"index": str(tmp_path / "index.html"), "loads": 3, "absent_pages": []}
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_without_loads_it_says_so(tmp_path: Path, ledger: "Table") -> None:
    assert "0 loads" in run_loader("index", str(tmp_path)).stdout
    content = (tmp_path / "index.html").read_text()
    check_structure(content)
    assert "The ledger has no loads." in Page(content).text
