"""`loader doctor`: each thing that a deployment needs, and what to do if it is not as it should be."""

import json
from collections.abc import Callable
from importlib import metadata
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cli.commands.doctor import CHECKS
from shared.code_digest import code_digest, datasets_digest
from tests.functional.conftest import SOURCE
from tests.support.command_line import NOWHERE, TERMINAL, run_loader
from tests.support.scripted_aws import ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RULE, SECRET = "loads", "influx-token"
HEALTH = {"version": "v2.7.12", "response_time_ms": 3.5, "bucket_ids": {}}


class Deployed:
    """A healthy deployment, which a test spoils."""

    def __init__(self, aws: ScriptedAws, s3: "S3Client") -> None:
        self.aws, self.s3 = aws, s3
        self.events: Any = boto3.client("events")
        self.queues: Any = boto3.client("sqs")
        self.events.put_rule(Name=RULE, EventPattern='{"source": ["aws.s3"]}')
        self.queue = self.queues.create_queue(QueueName="dead-letters")["QueueUrl"]
        notifications: Any = boto3.client("sns")
        topic = notifications.create_topic(Name="alarms")["TopicArn"]
        notifications.subscribe(TopicArn=topic, Protocol="email", Endpoint="grid-data@example.com")
        self.secrets = boto3.client("secretsmanager")
        self.secrets.create_secret(Name=SECRET, SecretString="generated")
        self.send_events(EventBridgeConfiguration={})
        aws.results["health"] = dict(HEALTH)
        digests = {"CodeDigest": code_digest(), "DatasetsDigest": datasets_digest()}
        names = {"TriggerRuleName": RULE, "DeadLetterQueueUrl": self.queue, "AlarmTopicArn": topic}
        aws.outputs |= digests | names | {"TokenSecretName": SECRET}

    def send_events(self, **configuration: Any) -> None:
        """Let S3 answer with this configuration of the bucket's events, since moto never returns EventBridge's."""
        reply: Any = (SimpleNamespace(status_code=200), configuration)
        boto3.setup_default_session()
        assert boto3.DEFAULT_SESSION
        events: Any = boto3.DEFAULT_SESSION.events
        events.register("before-call.s3.GetBucketNotificationConfiguration", lambda **_: reply)

    def reject_token(self) -> None:
        """Let InfluxDB reject the token in the secret."""
        self.aws.results["health"] = {"errorType": "InfluxUnauthorizedError", "errorMessage": "401"}

    def replace_token(self) -> None:
        """Store another value in the secret."""
        self.secrets.put_secret_value(SecretId=SECRET, SecretString="a token")
        self.reject_token()

    def encrypt_with(self, key: str) -> None:
        """Encrypt the source bucket with a key."""
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rules: Any = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        self.s3.put_bucket_encryption(Bucket=SOURCE, ServerSideEncryptionConfiguration=rules)


@pytest.fixture
def deployed(aws: ScriptedAws, s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Deployed:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return Deployed(aws, s3)


def diagnose() -> tuple[int, dict[str, Any]]:
    """Return the exit status and the checks, by name."""
    result = run_loader("doctor", "--json")
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, {check.pop("check"): check for check in json.loads(result.stdout)}


def test_a_healthy_deployment_has_only_good_lines(deployed: Deployed) -> None:
    status, checks = diagnose()
    assert {name: check["verdict"] for name, check in checks.items()} == dict.fromkeys(
        ["credentials", "stack", *CHECKS], "ok"
    )
    assert status == 0
    assert f"us-east-1, http://127.0.0.1:{deployed.aws.server_port}: UPDATE_COMPLETE" in checks["stack"]["detail"]
    assert f"loader {metadata.version('influxdb-loader')}, digest {code_digest()[:12]}" in checks["release"]["detail"]
    assert "InfluxDB       ok       v2.7.12 answers in 3.5 ms" in run_loader("doctor", **TERMINAL).stdout
    text = run_loader("doctor").stdout
    assert "\nInfluxDB\tok\tv2.7.12 answers in 3.5 ms" in text
    assert len(text.splitlines()) == len(checks)


@pytest.mark.parametrize(
    ("spoil", "name", "words"),
    [
        (lambda d: setattr(d.aws, "stack_status", "UPDATE_ROLLBACK_FAILED"), "stack", "UPDATE_ROLLBACK_FAILED"),
        (lambda d: d.events.disable_rule(Name=RULE), "trigger", "aws events enable-rule --name loads"),
        (lambda d: d.send_events(), "bucket events", "does not send its events to EventBridge"),
        (Deployed.reject_token, "InfluxDB", "still has the value that the stack generated"),
        (Deployed.replace_token, "InfluxDB", "InfluxUnauthorizedError: 401 The operator must put a valid token"),
        (lambda d: d.aws.results.pop("health"), "InfluxDB", "Function not found"),
        (
            lambda d: d.queues.send_message(QueueUrl=d.queue, MessageBody="{}"),
            "dead letters",
            "1 event started no load",
        ),
        (lambda d: setattr(d.aws, "reserved_concurrency", {"ReservedConcurrentExecutions": 0}), "concurrency", "is 0"),
        (lambda d: d.aws.outputs.pop("AlarmTopicArn"), "alarms", "an older release deployed it"),
        (lambda d: d.s3.delete_bucket(Bucket=SOURCE), "source bucket", "404"),
    ],
)
def test_a_problem_is_named_with_what_to_do(
    deployed: Deployed, spoil: Callable[[Deployed], object], name: str, words: str
) -> None:
    spoil(deployed)
    status, checks = diagnose()
    assert (status, checks[name]["verdict"]) == (1, "problem")
    assert words in f"{checks[name]['detail']} {checks[name]['advice']}"


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda d: d.encrypt_with("arn:aws:kms:us-east-1:999999999999:key/0a1b"), "bucket key"),
        (lambda d: setattr(d.aws, "account_concurrency", 10), "concurrency"),
        (lambda d: d.aws.outputs.update(CodeDigest="another"), "release"),
    ],
)
def test_what_only_a_person_can_judge_is_a_warning(
    deployed: Deployed, spoil: Callable[[Deployed], object], name: str
) -> None:
    spoil(deployed)
    status, checks = diagnose()
    assert (status, checks[name]["verdict"]) == (0, "warning")
    assert checks[name]["advice"]


def test_a_bucket_of_another_region_sends_no_events(deployed: Deployed) -> None:
    constraint: Any = {"LocationConstraint": "sa-east-1"}
    boto3.client("s3", region_name="sa-east-1").create_bucket(Bucket="lake", CreateBucketConfiguration=constraint)
    deployed.aws.outputs["SourceBucketName"] = "lake"
    _, checks = diagnose()
    assert "lake is in sa-east-1, the stack in us-east-1" in checks["source bucket"]["detail"]


def test_nothing_else_is_checked_without_a_stack(deployed: Deployed) -> None:
    result = run_loader("doctor", "--stack", "Another", "--json")
    credentials, stack = json.loads(result.stdout)
    assert (credentials["check"], stack["check"]) == ("credentials", "stack")
    assert stack["detail"].endswith("deploy it, or use --stack to name yours")
    assert result.exit_code == 1


def test_an_aws_that_nobody_answers_for_is_a_problem_of_the_credentials() -> None:
    result = run_loader("doctor", **NOWHERE)
    assert result.exit_code == 1
    assert "credentials\tproblem" in result.stdout
    assert "Traceback" not in result.output
