"""`loader history` and what `loader retry` chooses, on a ledger of moto."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.output import console
from shared.ledger import STATUSES
from tests.functional.conftest import LEDGER, SOURCE, WORK

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:loader"


OUTPUTS = {"SourceBucketName": SOURCE, "WorkBucketName": WORK, "LedgerTableName": LEDGER, "StateMachineArn": ARN}
STACKS = f"""<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs>{
    "".join(
        f"<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>"
        for name, value in OUTPUTS.items()
    )
}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""


class CloudFormation(BaseHTTPRequestHandler):
    """Knows one stack, of which it tells the outputs."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(STACKS.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def cloudformation() -> Iterator[str]:
    """Its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), CloudFormation) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def stack(cloudformation: str, ledger: "Table", monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find buckets and ledger as they do of a deployed stack, and write to a wide terminal."""
    monkeypatch.setattr(console, "width", 200)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", cloudformation)


def say(*command: str) -> Result:
    return CliRunner().invoke(app, [*command])


def told(*command: str) -> list[str]:
    """The keys, in the order in which they are listed."""
    result = say(*command, "--json")
    assert result.exit_code == 0, result.stderr
    return [entry["object"].removeprefix(f"s3://{SOURCE}/") for entry in json.loads(result.stdout)]


def at(minutes_ago: float) -> str:
    """As Step Functions writes times."""
    return (
        (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def item(key: str, status: str, minutes_ago: float, *, version: str = "v1", written: int = 0, **more: Any) -> Any:
    """Of an object under generation that changed then; `written` orders its versions."""
    content = {
        "object": f"s3://{SOURCE}/dataset=generation/{key}",
        "version": f"2024-01-01T00:00:{written:02}Z {version}",
        "last_modified": written,
        "sequencer": "",
        "status": status,
        "changed_at": at(minutes_ago),
        "load_id": "0" * 16,
        "dataset": "generation",
        "etag": '"e"',
        "execution": f"{ARN}:run",
    }
    if status == "claimed":
        content |= {"claimed_at": at(minutes_ago), "lease_until": "2999-01-01T09:30:00Z"}
    return content | more


def failed(key: str, minutes_ago: float, **more: Any) -> Any:
    return item(key, "failed", minutes_ago, error="CorruptParquetError", message="truncated", **more)


def put(ledger: "Table", *items: Any) -> None:
    with ledger.batch_writer() as batch:
        for each in items:
            batch.put_item(each)


def test_the_last_changes_come_first_whatever_their_status(ledger: "Table") -> None:
    put(ledger, item("b", "loaded", 2), failed("a", 1), item("d", "skipped", 4), item("c", "claimed", 3))
    put(ledger, *(item(f"{n:04}", "loaded", 10 + n) for n in range(450)))
    assert told("history", "--limit", "5") == [f"dataset=generation/{key}" for key in ("a", "b", "c", "d", "0000")]
    assert len(told("history", "--limit", "1000")) == 454
    assert "There are more loads. To list them, add --limit 20." in say("history", "--limit", "2").stdout
    assert "more loads" not in say("history", "--limit", "454").stdout


def test_the_last_loads_cost_one_request_for_each_status(ledger: "Table", monkeypatch: pytest.MonkeyPatch) -> None:
    put(ledger, *(item(f"{n:04}", "loaded", n) for n in range(450)))
    session, asked = boto3.Session(), list[Any]()
    session.events.register("before-call.dynamodb.*", lambda params, **_: asked.append(params))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    assert len(told("history")) == 30
    assert len(asked) == len(STATUSES)


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["dataset=generation/b"], ["b"]),
        ([f"s3://{SOURCE}/dataset=generation/"], ["a", "b"]),
        (["s3://other/dataset=generation/"], []),
        (["--status", "failed"], ["a"]),
        (["--status", "claimed"], []),
        (["--dataset", "generation", "--since", "2m"], ["a"]),
        (["--dataset", "consumption"], ["dataset=consumption/c"]),
        (["--since", "1s"], []),
    ],
)
def test_history_lists_what_was_asked_for(ledger: "Table", words: list[str], keys: list[str]) -> None:
    other = item("c", "loaded", 30) | {"object": f"s3://{SOURCE}/dataset=consumption/c", "dataset": "consumption"}
    put(ledger, failed("a", 1), item("b", "loaded", 3), other)
    assert [key.removeprefix("dataset=generation/") for key in told("history", *words)] == keys


def test_a_prefix_without_a_bucket_is_refused() -> None:
    result = say("history", "s3://")
    assert (result.exit_code, "has no bucket name" in result.stderr) == (2, True)


def test_a_load_is_told_with_its_counts_its_time_and_its_page(ledger: "Table") -> None:
    counts: dict[str, Any] = {"input_rows": 1500, "points_written": 1499, "report": "reports/generation/0/run.json"}
    put(ledger, item("a", "loaded", 1, claimed_at=at(1.1), **counts))
    lines = say("history").stdout.splitlines()
    assert " ".join(lines[1].split()) == "1 min ago loaded 00000000 1,500 1,499 6 s dataset=generation/a"
    [entry] = json.loads(say("history", "--json").stdout)
    assert entry["report_page"] == f"s3://{WORK}/reports/generation/0/run.html"


def test_a_claim_tells_until_when_it_holds(ledger: "Table") -> None:
    put(ledger, item("a", "claimed", 1, lease_until="2999-01-01T09:30:00Z"))
    assert "dataset=generation/a  running, until 09:30 UTC at the latest" in say("history").stdout
    assert json.loads(say("history", "--json").stdout)[0]["lease_ended"] is False


def test_a_claim_whose_lease_has_ended_is_abandoned(ledger: "Table") -> None:
    put(ledger, item("a", "claimed", 400, lease_until=at(10)))
    shown = say("history").stdout
    assert "abandoned" in shown
    assert "run `loader retry` to load it again" in shown
    assert json.loads(say("history", "--json").stdout)[0]["lease_ended"] is True


def test_a_load_that_failed_before_its_version_was_known_is_in_the_history(s3: "S3Client", ledger: "Table") -> None:
    data = {"error": "SourceForbiddenError", "bucket": SOURCE, "key": "dataset=generation/secret", "version_id": ""}
    report = {"response": {"message": "may not be read", "data": data}, "execution": {"id": f"{ARN}:run"}}
    key = "reports/unplanned/unplanned/run.json"
    s3.put_object(Bucket=WORK, Key=key, Body=json.dumps(report).encode())
    assert "dataset=generation/secret  SourceForbiddenError" in say("history").stdout
    assert told("history", "--status", "failed", "--dataset", "generation") == ["dataset=generation/secret"]
    for words in (["--status", "loaded"], ["--dataset", "consumption"], ["dataset=consumption/"], ["--since", "0s"]):
        assert told("history", *words) == []
    assert told("retry", "--dry-run") == []


OLDER: dict[str, Any] = {"version": "v1", "written": 1}
NEWER: dict[str, Any] = {"version": "v2", "written": 2}


@pytest.mark.parametrize(
    "items",
    [
        [failed("a", 1)],
        [failed("a", 2, **NEWER), item("a", "loaded", 1, **OLDER)],
        [failed("a", 2, **OLDER), failed("a", 1, **NEWER)],
        [item("a", "claimed", 400, lease_until=at(1))],
    ],
)
def test_a_file_whose_newest_version_failed_or_was_abandoned_is_loaded_again(ledger: "Table", items: list[Any]) -> None:
    put(ledger, *items)
    assert told("retry", "--dry-run") == ["dataset=generation/a"]


@pytest.mark.parametrize(
    "items",
    [
        [failed("a", 1, **OLDER), item("a", "loaded", 2, **NEWER)],
        [failed("a", 1, **OLDER), item("a", "claimed", 2, **NEWER)],
        [failed("a", 1, **OLDER), item("a", "skipped", 2, **NEWER)],
        [failed("a", 2), item("a", "loaded", 1, version="v2")],
        [item("a", "claimed", 1)],
        [item("a", "loaded", 1), item("b", "skipped", 1)],
    ],
)
def test_every_other_file_is_left_alone(ledger: "Table", items: list[Any]) -> None:
    put(ledger, *items)
    assert told("retry", "--dry-run") == []


def test_retry_keeps_to_its_prefix_and_its_time(ledger: "Table") -> None:
    put(ledger, failed("a/1", 1), failed("a/2", 100), failed("b/1", 1))
    assert told("retry", "--dry-run", "dataset=generation/a/", "--since", "1h") == ["dataset=generation/a/1"]
    assert say("retry", "--dry-run", "dataset=generation/c/").stdout == "no files to load again\n"
