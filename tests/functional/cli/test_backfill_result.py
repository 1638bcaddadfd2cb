"""The result of a backfill, as it is printed: what is not loaded, why, and what to do."""

from typing import Any

import pytest

from cli.backfill_result import show_backfill
from cli.deployed.executions import Execution
from cli.deployed.stack import Deployment
from cli.output import console
from tests.functional.conftest import WORK
from tests.support.scripted_aws import STACK

pytestmark = pytest.mark.usefixtures("aws")

CLAIMED = {"key": "p/a", "status": "claimed", "error": "", "message": "being loaded; its claim expires at 12:00"}
BROKEN = {"key": "p/b", "status": "failed", "error": "CorruptParquetError", "message": "s3://s/p/b: truncated"}


def data(*not_loaded: dict[str, str], files: int = 3, loaded: int | None = None) -> dict[str, Any]:
    return {
        "bucket": "s",
        "prefix": "p/",
        "files": files,
        "loaded_files": files - len(not_loaded) if loaded is None else loaded,
        "not_loaded": list(not_loaded),
        "report": "backfills/run.json",
        "processing_time_seconds": 61.4,
    }


def printed(response: dict[str, Any], status: str = "SUCCEEDED", error: str = "") -> list[str]:
    execution = Execution(arn="a", key="", status=status, state="", error=error, response=response)
    with console.capture() as capture:
        show_backfill(Deployment(STACK), execution)
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_a_complete_backfill_needs_nothing_more() -> None:
    assert printed({"data": data()}) == [
        "3 of 3 files are loaded",
        "prefix s3://s/p/",
        f"report s3://{WORK}/backfills/run.json",
        "duration 61 s",
    ]


@pytest.mark.parametrize(
    ("files", "verdict"),
    [(3, "3 of 3 files are loaded, 1 of them partly"), (1, "1 of 1 file is loaded, but only partly")],
)
def test_a_part_of_a_file_is_not_said_to_be_a_part_of_several(files: int, verdict: str) -> None:
    response = data(files=files) | {"partly_loaded": ["p/a"], "partly_loaded_files": 1}
    assert printed({"data": response})[:2] == [verdict, "p/a partly loaded"]


def test_files_that_failed_are_named_with_error_and_remedy() -> None:
    lines = printed({"data": data(BROKEN)})
    assert lines[:3] == ["2 of 3 files are loaded", "p/b CorruptParquetError", "truncated"]
    assert lines[3] == "CorruptParquetError"
    assert "what now The producer must write the file again." in lines
    assert "Run it again" not in " ".join(lines)


def test_files_that_are_still_being_loaded_are_explained() -> None:
    lines = printed({"data": data(CLAIMED)})
    assert lines[1] == "p/a claimed"
    assert lines[3].startswith("Claimed files are still being loaded.")
    assert "Run it again to load them." in " ".join(lines)


def test_files_whose_bucket_was_replaced_or_is_not_checkable_are_counted() -> None:
    lines = printed({"data": data() | {"reloaded_files": 2, "not_checkable_files": 1}})
    assert lines[1] == "2 files loaded again, because the InfluxDB bucket was replaced"
    assert lines[2].startswith("Not checkable: whether the InfluxDB bucket of 1 file was replaced since the load.")


def test_files_beyond_those_of_the_response_are_counted() -> None:
    assert "… and 1,000 files more, which the report lists" in printed({"data": data(BROKEN, files=1001, loaded=0)})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("States.ExceedToleratedFailureThreshold", "The backfill stopped because too many files failed."),
        ("States.Timeout", "States.Timeout: see section States.Timeout of docs/operations.md"),
    ],
)
def test_an_error_of_the_backfill_itself_says_what_to_do(error: str, words: str) -> None:
    assert any(line.startswith(words) for line in printed({"data": data(BROKEN)}, "FAILED", error))


def test_a_backfill_that_was_stopped_has_no_numbers_but_a_next_step() -> None:
    assert printed({}, "ABORTED") == [
        "ABORTED",
        "To load the remaining files, run `loader backfill` with the same prefix again.",
    ]
