"""What the Tab key completes: datasets, load IDs, and prefixes, and nothing at all when something is wrong."""

from typing import TYPE_CHECKING

import boto3
import pytest
from typer.testing import CliRunner

from cli.app import app
from tests.functional.conftest import SOURCE
from tests.support.command_line import NOWHERE
from tests.support.ledger_entries import failed_item, item, put_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

KEYS = ("dataset=generation/year=2023/a.parquet", "dataset=generation/year=2024/a.parquet", "dataset=consumption/b")


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    """A completion shortens the time limits of its process, which is the one of the tests."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


def completed(line: str, **environment: str) -> list[str]:
    """Return what a shell gets for a command line that ends where the Tab key is pressed."""
    words = line.split(" ")
    shell = {"_LOADER_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    result = CliRunner().invoke(app, [], env=shell | environment, prog_name="loader")
    assert result.stderr == ""
    return result.stdout.split()


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", ["show", "quarantine", "verify", "watch", "query"])
def test_load_ids_are_completed_from_the_ledger(ledger: "Table", command: str) -> None:
    put_items(
        ledger, item("a", "loaded", 1, load_id="0123456789abcdef"), failed_item("b", 2, load_id="01ffffffffffffff")
    )
    assert completed(f"loader {command} 01") == ["01234567", "01ffffff"]
    assert completed(f"loader {command} 0123456789") == ["0123456789"]
    assert completed(f"loader {command} ff") == []


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", ["history", "backfill", "retry", "coverage"])
def test_prefixes_are_completed_folder_by_folder(s3: "S3Client", command: str) -> None:
    for key in KEYS:
        s3.put_object(Bucket=SOURCE, Key=key, Body=b"x")
    assert completed(f"loader {command} d") == ["dataset=consumption/", "dataset=generation/"]
    assert completed(f"loader {command} dataset=generation/") == [key.removesuffix("a.parquet") for key in KEYS[:2]]
    folder = f"s3://{SOURCE}/dataset=consumption/"
    assert completed(f"loader {command} s3://{SOURCE}/dataset=c") == [folder, f"{folder}b"]
    assert completed(f"loader {command} s3:") == [folder, f"s3://{SOURCE}/dataset=generation/"]
    assert completed(f"loader {command} s3://other/") == []
    assert completed(f"loader {command} {KEYS[0][:-3]}") == [KEYS[0]]


@pytest.mark.usefixtures("aws")
def test_another_stack_is_the_one_that_the_line_names() -> None:
    assert completed("loader show --stack Another 0") == []


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", ["load", "load a.parquet", "plan"])
def test_addresses_are_completed_where_files_of_this_machine_are_possible(s3: "S3Client", command: str) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEYS[2], Body=b"x")
    address = f"s3://{SOURCE}/{KEYS[2]}"
    assert completed(f"loader {command} {address[:-1]}") == [address]
    assert completed(f"loader {command} dataset=c") == []


def test_statuses_are_completed() -> None:
    assert completed("loader history --status pa") == ["partly-loaded"]


@pytest.mark.parametrize(
    "line", ["rebuild --dataset gen", "history --dataset gen", "load a.parquet --dataset gen", "datasets show gen"]
)
def test_datasets_are_completed_from_their_declarations(line: str) -> None:
    assert completed(f"loader {line}") == ["generation"]


def test_nothing_is_completed_and_nothing_is_printed_without_aws() -> None:
    assert completed("loader show 01", **NOWHERE) == []
    assert completed("loader history d", **NOWHERE | {"AWS_DEFAULT_REGION": ""}) == []
