"""`loader overlaps`, on a ledger of moto."""

import json
from typing import TYPE_CHECKING, Any

from tests.functional.cli.deployed.test_overlaps import hours, load_item
from tests.support.command_line import TERMINAL, run_loader
from tests.support.ledger_entries import item, put_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

__all__ = ["load_item"]


def test_the_pairs_are_listed_with_the_file_that_stands(ledger: "Table", load_item: Any) -> None:
    old, new = load_item(1, "a", hours(0, 4)), load_item(2, "b", hours(2, 4))
    put_items(ledger, old, new, item("former", "loaded", 1))
    content = json.loads(run_loader("overlaps", "--json").stdout)
    [overlap] = content["overlaps"]
    assert (overlap["points"], overlap["different"], overlap["reason"]) == (2, 0, "newer revision")
    assert (overlap["stands"], overlap["other"]) == (new["object"], old["object"])
    assert [name.rpartition("/")[2] for name in content["not_compared"]] == ["former"]
    text = run_loader("overlaps", **TERMINAL | {"COLUMNS": "80"}).stdout
    assert all(len(line) <= 80 for line in text.splitlines()[:-1])
    assert "    newer revision\n" in text
    assert "Not compared: 1 file without a footprint" in text


def test_without_common_points_it_says_so(ledger: "Table", load_item: Any) -> None:
    put_items(ledger, load_item(1, "a", hours(0, 4)), load_item(2, "b", hours(8, 4)))
    assert run_loader("overlaps").stdout == "no common points in 2 loaded files\n"
