"""`loader history`, on a ledger of moto."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from shared.ledger import STATUSES
from tests.functional.conftest import SOURCE, WORK
from tests.support.command_line import TERMINAL, run_loader
from tests.support.ledger_entries import at, failed_item, item, put_items
from tests.support.scripted_aws import MACHINE, ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.usefixtures("aws")


def listed(*command: str) -> list[str]:
    """The keys, in the order in which they are listed."""
    result = run_loader(*command, "--json")
    assert result.exit_code == 0, result.stderr
    return [entry["object"].removeprefix(f"s3://{SOURCE}/") for entry in json.loads(result.stdout)]


def test_the_last_changes_come_first_whatever_their_status(ledger: "Table") -> None:
    put_items(ledger, item("b", "loaded", 2), failed_item("a", 1), item("d", "skipped", 4), item("c", "claimed", 3))
    put_items(ledger, *(item(f"{n:04}", "loaded", 10 + n) for n in range(450)))
    assert listed("history", "--limit", "5") == [f"dataset=generation/{key}" for key in ("a", "b", "c", "d", "0000")]
    assert len(listed("history", "--limit", "1000")) == 454
    assert "There are more loads. To list them, add --limit 20." in run_loader("history", "--limit", "2").stdout
    assert "more loads" not in run_loader("history", "--limit", "454").stdout


def test_the_last_loads_cost_one_request_for_each_status(ledger: "Table", monkeypatch: pytest.MonkeyPatch) -> None:
    put_items(ledger, *(item(f"{n:04}", "loaded", n) for n in range(450)))
    session, requests = boto3.Session(), list[Any]()
    session.events.register("before-call.dynamodb.*", lambda params, **_: requests.append(params))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    assert len(listed("history")) == 30
    assert len(requests) == len(STATUSES)


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["dataset=generation/b"], ["b"]),
        ([f"s3://{SOURCE}/dataset=generation/"], ["a", "b"]),
        (["s3://other/dataset=generation/"], []),
        (["--status", "failed"], ["a"]),
        (["--status", "claimed"], []),
        (["--status", "partly-loaded"], ["b"]),
        (["--dataset", "generation", "--since", "2m"], ["a"]),
        (["--dataset", "consumption"], ["dataset=consumption/c"]),
        (["--since", "1s"], []),
        (["--until", "2m"], ["b", "dataset=consumption/c"]),
    ],
)
def test_history_lists_the_loads_that_match(ledger: "Table", words: list[str], keys: list[str]) -> None:
    other = item("c", "loaded", 30) | {"object": f"s3://{SOURCE}/dataset=consumption/c", "dataset": "consumption"}
    put_items(ledger, failed_item("a", 1), item("b", "loaded", 3, verdict="partly loaded"), other)
    assert [key.removeprefix("dataset=generation/") for key in listed("history", *words)] == keys


def test_without_loads_the_advice_follows_and_depends_on_what_was_asked_for(ledger: "Table") -> None:
    nothing, advice = run_loader("history", **TERMINAL).stdout.splitlines()
    assert (nothing, "`loader load FILE`" in advice) == ("no loads found", True)
    assert "leave out the prefix or an option" in run_loader("history", "generation", **TERMINAL).stdout
    piped = run_loader("history", "generation")
    assert (piped.stdout, "leave out the prefix" in piped.stderr) == ("no loads found\n", True)


def test_a_prefix_without_a_bucket_is_refused() -> None:
    result = run_loader("history", "s3://")
    assert (result.exit_code, "has no bucket name" in result.stderr) == (2, True)


def test_a_load_is_listed_with_its_counts_its_duration_and_its_page(ledger: "Table") -> None:
    counts: dict[str, Any] = {"input_rows": 1500, "points_written": 1499, "report": "reports/generation/0/run.json"}
    put_items(ledger, item("a", "loaded", 1, claimed_at=at(1.1), **counts))
    lines = run_loader("history", **TERMINAL).stdout.splitlines()
    assert " ".join(lines[1].split()).endswith(", 1 min ago loaded 00000000 1,500 1,499 6 s dataset=generation/a")
    [entry] = json.loads(run_loader("history", "--json").stdout)
    assert entry["report_page"] == f"s3://{WORK}/reports/generation/0/run.html"


def test_the_duration_of_an_undone_load_ends_with_the_load(ledger: "Table") -> None:
    put_items(ledger, item("a", "undone", 1, claimed_at=at(11), load_ended_at=at(10.9)))
    header, line = (line.split("\t") for line in run_loader("history").stdout.splitlines())
    assert line[header.index("duration")] == "6 s"


def test_a_claim_tells_until_when_it_holds(ledger: "Table") -> None:
    put_items(ledger, item("a", "claimed", 1, lease_until="2999-01-01T09:30:00Z"))
    assert "dataset=generation/a  running; its claim expires at 09:30 UTC" in run_loader("history", **TERMINAL).stdout
    assert json.loads(run_loader("history", "--json").stdout)[0]["lease_ended"] is False


def test_a_load_whose_bucket_was_replaced_is_shown(ledger: "Table") -> None:
    put_items(
        ledger,
        item("a", "loaded", 1, bucket_id="old"),
        item("b", "loaded", 2, bucket_id="new"),
        item("c", "loaded", 3),
        failed_item("d", 4, bucket_id="old"),
    )
    output = run_loader("history", **TERMINAL).stdout
    assert "dataset=generation/a  its InfluxDB bucket was replaced: run `loader backfill` to load it again" in output
    assert output.count("was replaced:") == 1
    assert "Not checkable: whether the InfluxDB bucket of 1 load was replaced\n" in output
    loads = json.loads(run_loader("history", "--json").stdout)
    checks = [(load["bucket_id"], load["bucket"]) for load in loads]
    assert checks == [("old", "replaced"), ("new", "current"), ("", "not checkable"), ("old", "")]


def test_ids_that_cannot_be_read_are_not_checkable_for_a_reason(aws: ScriptedAws, ledger: "Table") -> None:
    put_items(ledger, item("a", "loaded", 1, bucket_id="old"))
    aws.results["health"] = {"errorType": "BucketNotFoundError", "errorMessage": "no bucket 'ons'"}
    output = run_loader("history", **TERMINAL).stdout
    assert "of 1 load was replaced (BucketNotFoundError: no bucket 'ons')\n" in output


def test_a_claim_whose_lease_has_ended_is_abandoned(ledger: "Table") -> None:
    put_items(ledger, item("a", "claimed", 400, lease_until=at(10)))
    shown = run_loader("history", **TERMINAL).stdout
    assert "abandoned" in shown
    assert "run `loader retry` to load it again" in shown
    assert json.loads(run_loader("history", "--json").stdout)[0]["lease_ended"] is True


def test_a_load_that_the_sweep_repeats_shows_its_next_try(aws: ScriptedAws, ledger: "Table") -> None:
    down: dict[str, Any] = {"error": "InfluxUnavailableError", "message": "down"}
    put_items(
        ledger,
        item("a", "failed", 1, tries=2, **down),
        item("b", "failed", 99, **down),
        item("c", "claimed", 400, lease_until=at(10), tries=1),
        failed_item("d", 400, tries=1),
        item("e", "failed", 500, tries=99, **down),
    )
    assert "next try" not in run_loader("history", **TERMINAL).stdout, "sweeps are off"
    aws.outputs["SweepMinutes"] = "15"
    shown = run_loader("history", **TERMINAL).stdout
    due = datetime.fromisoformat(at(-29))
    assert f"dataset=generation/a  InfluxUnavailableError, next try at {due:%H:%M} UTC, try 3" in shown
    assert "dataset=generation/b  InfluxUnavailableError, next try in the next sweep, try 2" in shown
    assert "dataset=generation/c  next try in the next sweep, try 2" in shown
    assert shown.count("next try ") == 3
    assert "dataset=generation/d  CorruptParquetError" in shown
    assert "dataset=generation/e  InfluxUnavailableError" in shown
    assert json.loads(run_loader("history", "--json").stdout)[0]["tries"] == 2


def test_a_load_that_failed_before_its_version_was_known_is_in_the_history(s3: "S3Client", ledger: "Table") -> None:
    data = {"error": "SourceForbiddenError", "bucket": SOURCE, "key": "dataset=generation/secret", "version_id": ""}
    report = {"response": {"message": "may not be read", "data": data}, "execution": {"id": f"{MACHINE}:run"}}
    key = "reports/unplanned/unplanned/run.json"
    s3.put_object(Bucket=WORK, Key=key, Body=json.dumps(report).encode())
    assert "dataset=generation/secret  SourceForbiddenError" in run_loader("history", **TERMINAL).stdout
    assert listed("history", "--status", "failed", "--dataset", "generation") == ["dataset=generation/secret"]
    for words in (["--status", "loaded"], ["--dataset", "consumption"], ["dataset=consumption/"], ["--since", "0s"]):
        assert listed("history", *words) == []
    assert listed("retry", "--dry-run") == []


def test_an_unknown_dataset_is_refused() -> None:
    result = run_loader("history", "--dataset", "weather")
    assert (result.exit_code, "unknown dataset 'weather'" in result.stderr) == (2, True)
