"""`loader load`: an upload and the execution that it starts, and an object that is already in the bucket."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shared.ledger import version_name
from tests.functional.conftest import SOURCE
from tests.support.builders import generation, parquet
from tests.support.command_line import run_loader
from tests.support.ledger_entries import item, put_items
from tests.support.scripted_aws import MACHINE, ScriptedAws, failed, succeeded

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

KEY = "dataset=generation/a.parquet"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(generation(3)))
    return path


@pytest.fixture
def events(aws: ScriptedAws, s3: "S3Client") -> None:
    """S3 and EventBridge: a current version of the object starts one execution."""

    def start() -> None:
        version = s3.head_object(Bucket=SOURCE, Key=KEY)["VersionId"]
        event = {"detail": {"bucket": {"name": SOURCE}, "object": {"key": KEY, "version-id": version}}}
        if event not in aws.inputs:
            aws.start(MACHINE, event)

    aws.before_list = start


@pytest.mark.usefixtures("events")
def test_a_file_is_uploaded_and_its_load_is_waited_for(aws: ScriptedAws, s3: "S3Client", file: Path) -> None:
    aws.ending = lambda _: succeeded(key=KEY, load_id="0123456789abcdef", points_written=3)
    aws.looks = 2
    result = run_loader("load", str(file), "--dataset", "generation")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [f"{KEY}  loaded", "Data loaded successfully"]
    assert s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read() == file.read_bytes()
    assert "StartExecution" not in aws.actions


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.csv", "not a .parquet or .pq file: 'a.csv'"),
        ("_a.pq", "a hidden or temporary file of its writer: '_a.pq' begins with '_'"),
    ],
)
def test_a_file_that_the_loader_would_skip_is_not_uploaded(
    aws: ScriptedAws, s3: "S3Client", tmp_path: Path, name: str, reason: str
) -> None:
    aws.environments["convert"] = {"FILE_SUFFIXES": ".parquet,.pq"}
    (tmp_path / name).write_bytes(b"x")
    result = run_loader("load", str(tmp_path / name), "--dataset", "generation")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"was not uploaded, because it would not be loaded: {reason}" in " ".join(result.stderr.split())
    assert "Contents" not in s3.list_objects_v2(Bucket=SOURCE)


@pytest.mark.usefixtures("events")
def test_without_waiting_the_execution_is_printed(aws: ScriptedAws, file: Path) -> None:
    result = run_loader("load", str(file), "--dataset", "generation", "--no-wait")
    assert (result.exit_code, result.stdout) == (0, f"{next(iter(aws.executions))}\n")


def test_a_load_that_fails_has_status_1_and_says_what_to_do(aws: ScriptedAws, s3: "S3Client") -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"x")
    aws.ending = lambda _: failed("CorruptParquetError", "it is truncated", key=KEY)
    result = run_loader("load", f"s3://{SOURCE}/{KEY}")
    assert result.exit_code == 1
    assert "CorruptParquetError: it is truncated" in result.stdout
    assert "The producer must write the file again." in result.stdout


@pytest.mark.parametrize("force", [True, False])
def test_an_object_is_requested_by_name(aws: ScriptedAws, s3: "S3Client", force: bool) -> None:  # noqa: FBT001
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"x")
    result = run_loader("load", f"s3://{SOURCE}/{KEY}", "--json", *(["--force"] if force else []))
    assert json.loads(result.stdout)["message"] == "Data loaded successfully"
    assert aws.inputs == [{"bucket": SOURCE, "key": KEY, "force": force}]


def test_an_object_that_is_loaded_can_be_loaded_again_with_the_printed_command(
    aws: ScriptedAws, s3: "S3Client"
) -> None:
    data: dict[str, Any] = {"bucket": SOURCE, "key": "dataset=generation/a b.parquet"}
    s3.put_object(Bucket=SOURCE, Key=data["key"], Body=b"x")
    aws.ending = lambda _: succeeded("Skipped: already loaded", **data)
    result = run_loader("load", f"s3://{SOURCE}/{data['key']}")
    command = f"loader load 's3://{SOURCE}/{data['key']}' --force"
    assert (result.exit_code, f"To load it again, run `{command}`." in result.stdout) == (0, True)


def test_waiting_ends_after_the_timeout_and_the_load_goes_on(aws: ScriptedAws, s3: "S3Client") -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"x")
    aws.looks = 1000
    result = run_loader("load", f"s3://{SOURCE}/{KEY}", "--timeout", "1")
    assert (result.exit_code, "did not end within 1 s; it is still running" in result.stderr) == (1, True)
    assert "StopExecution" not in aws.actions


def put_loaded(s3: "S3Client", ledger: "Table") -> None:
    """Put an object at the key of the file, which the ledger shows as loaded."""
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"12345")
    head = s3.head_object(Bucket=SOURCE, Key=KEY)
    version = version_name(head["LastModified"], head["VersionId"], head["ETag"])
    put_items(ledger, item("a.parquet", "loaded", 1) | {"version": version})


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("words", "answer", "status"),
    [([], "y\n", 0), ([], "n\n", 2), ([], "", 2), (["--replace"], "", 0), (["--json"], "y\n", 2)],
)
def test_an_object_is_replaced_only_if_the_operator_agrees(  # noqa: PLR0917 - three fixtures
    s3: "S3Client", ledger: "Table", file: Path, words: list[str], answer: str, status: int
) -> None:
    put_loaded(s3, ledger)
    result = run_loader("load", str(file), "--dataset", "generation", *words, input=answer)
    existing = rf"s3://{SOURCE}/{KEY} exists: 5 B, uploaded \d s ago, loaded"
    assert bool(re.search(existing, result.stderr)) == ("--replace" not in words)
    content = s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read()
    assert (result.exit_code, content) == (status, b"12345" if status else file.read_bytes())
    assert ("add --replace to replace it" in result.stderr) == bool(status)


@pytest.mark.usefixtures("aws")
def test_of_several_files_none_is_uploaded_if_one_would_replace_an_object(
    s3: "S3Client", ledger: "Table", file: Path, tmp_path: Path
) -> None:
    put_loaded(s3, ledger)
    (tmp_path / "0.parquet").write_bytes(b"x")
    result = run_loader("load", str(tmp_path), "--dataset", "generation")
    _, question, error, *_ = ["", *result.stderr.splitlines()]
    assert question.endswith("[y/N]:")
    assert "No file was uploaded: add --replace" in error
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=SOURCE)["Contents"]] == [KEY]


def test_two_files_never_share_a_key(aws: ScriptedAws, s3: "S3Client", file: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / file.name
    other.write_bytes(file.read_bytes())
    result = run_loader("load", str(file), str(other), "--dataset", "generation", "--replace")
    message = f"error: {file} and {other} have the same key, {KEY}: rename one"
    assert (result.exit_code, result.stderr[: len(message)], aws.inputs) == (2, message, [])
    assert "Contents" not in s3.list_objects_v2(Bucket=SOURCE)


def test_several_objects_are_loaded_and_one_failure_is_status_1(aws: ScriptedAws, s3: "S3Client") -> None:
    keys = [f"dataset=generation/{name}.parquet" for name in "ab"]
    for key in keys:
        s3.put_object(Bucket=SOURCE, Key=key, Body=b"x")
    endings = {keys[0]: succeeded(key=keys[0]), keys[1]: failed("CorruptParquetError", "truncated", key=keys[1])}
    aws.ending = lambda event: endings[event["key"]]
    result = run_loader("load", *(f"s3://{SOURCE}/{key}" for key in keys), "--json")
    assert [response["message"] for response in json.loads(result.stdout)] == ["Data loaded successfully", "truncated"]
    assert result.exit_code == 1


def test_an_empty_file_is_not_uploaded(aws: ScriptedAws, s3: "S3Client", tmp_path: Path) -> None:
    (tmp_path / "a.parquet").touch()
    result = run_loader("load", str(tmp_path / "a.parquet"), "--dataset", "generation")
    assert (result.exit_code, "would not be loaded: an empty file" in result.stderr) == (2, True)
    assert "Contents" not in s3.list_objects_v2(Bucket=SOURCE)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (f"s3://{SOURCE}/{KEY}", f"error: s3://{SOURCE}/{KEY} does not exist: check the key (aws s3 ls)\n"),
        (f"s3://elsewhere/{KEY}", "error: this stack loads from the bucket 'source', not from 'elsewhere'"),
    ],
)
def test_a_mistyped_address_starts_no_load(aws: ScriptedAws, address: str, message: str) -> None:
    result = run_loader("load", address)
    assert (result.exit_code, result.stderr[: len(message)], aws.inputs) == (2, message, [])


def test_a_folder_is_loaded_file_by_file_and_many_loads_are_waited_for(
    aws: ScriptedAws, s3: "S3Client", tmp_path: Path
) -> None:
    names = [f"{number}.parquet" for number in range(6)]
    for name in names:
        (tmp_path / name).write_bytes(b"x")

    def start() -> None:
        for each in s3.list_objects_v2(Bucket=SOURCE).get("Contents", []):
            version = s3.head_object(Bucket=SOURCE, Key=each["Key"])["VersionId"]
            event = {"detail": {"bucket": {"name": SOURCE}, "object": {"key": each["Key"], "version-id": version}}}
            if event not in aws.inputs:
                aws.start(MACHINE, event)

    def end(event: Any) -> Any:
        key = event["detail"]["object"]["key"]
        if key.endswith("1.parquet"):
            return failed("CorruptParquetError", "truncated", key=key)
        return succeeded(key=key, verdict="partly loaded" if key.endswith("2.parquet") else "loaded")

    aws.before_list, aws.looks, aws.ending = start, 1, end
    result = run_loader("load", str(tmp_path), "--dataset", "generation", "--json")
    keys = [response["data"]["key"] for response in json.loads(result.stdout)]
    assert keys == [f"dataset=generation/{name}" for name in names]
    assert result.exit_code == 1


def test_nothing_is_uploaded_if_one_of_several_files_cannot_be(
    aws: ScriptedAws, s3: "S3Client", file: Path, tmp_path: Path
) -> None:
    result = run_loader("load", str(file), str(tmp_path / "b.parquet"), "--dataset", "generation")
    assert (result.exit_code, "no such file" in result.stderr, aws.inputs) == (2, True, [])
    assert "Contents" not in s3.list_objects_v2(Bucket=SOURCE)
