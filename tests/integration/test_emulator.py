"""The behavior of AWS that the emulator must share: a new version of ministack has to pass these tests."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local import BUILD, ROOT
from local.cloud import LocalCloud
from tests.support.emulator_resources import (
    ENVIRONMENT,
    ROLE,
    create_function,
    create_machine,
    invoke,
    run,
    set_environment,
    wait_for_execution,
    zip_of,
)

FAILING = """
import os, time
class RegionError(Exception): pass
def lambda_handler(event, context):
    if event == "sleep": time.sleep(60)
    if event == "exit": os._exit(1)
    raise RegionError("no region")
"""


@pytest.fixture
def bucket(cloud: LocalCloud) -> str:
    """Create a versioned bucket that sends events to EventBridge, and return its name."""
    s3, name = cloud.client("s3"), f"bucket-{uuid4().hex}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    return name


def rule(cloud: LocalCloud, bucket: str, machine: str, **target: Any) -> None:
    """Create a rule that starts the machine for each new object in the bucket."""
    events, name = cloud.client("events"), f"rule-{uuid4().hex}"
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "machine", "Arn": machine, "RoleArn": ROLE, **target}])


@pytest.mark.parametrize(
    ("event", "name"), [("raise", "RegionError"), ("sleep", "Sandbox.Timedout"), ("exit", "Runtime.ExitError")]
)
def test_an_error_has_the_name_that_aws_reports(cloud: LocalCloud, event: str, name: str) -> None:
    assert invoke(cloud, create_function(cloud, FAILING, timeout_s=1), event)["errorType"] == name


def test_an_error_of_the_import_has_a_name(cloud: LocalCloud) -> None:
    error = invoke(cloud, create_function(cloud, "import missing_package"))
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "missing_package" in error["errorMessage"]


def test_a_state_machine_retries_and_catches_an_error_by_its_class_name(cloud: LocalCloud) -> None:
    function = cloud.client("lambda").get_function(FunctionName=create_function(cloud, FAILING))
    names = {"ErrorEquals": ["RegionError"]}
    machine = create_machine(
        cloud,
        Resource=function["Configuration"]["FunctionArn"],
        Retry=[{**names, "IntervalSeconds": 1, "MaxAttempts": 1}],
        Catch=[{**names, "Next": "Caught"}],
    )
    execution = run(cloud, machine)
    history = cloud.client("stepfunctions").get_execution_history(executionArn=execution["executionArn"])["events"]
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["Error"] == "RegionError"
    assert len([event for event in history if event["type"].endswith("Failed")]) == 2


def test_a_throttled_function_has_an_error_name_of_its_own(cloud: LocalCloud) -> None:
    function = create_function(cloud, FAILING)
    cloud.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    arn = cloud.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    assert run(cloud, create_machine(cloud, Resource=arn))["error"] == "Lambda.TooManyRequestsException"


def test_a_function_sees_its_own_environment_only(cloud: LocalCloud) -> None:
    function = create_function(cloud, ENVIRONMENT, Environment={"Variables": {"LOG_LEVEL": "DEBUG"}})
    environment = invoke(cloud, function)
    other_names = {name for name in environment if not name.startswith(("AWS_", "LAMBDA_", "PYTHON"))}
    assert other_names <= {"HOME", "LC_CTYPE", "LOG_LEVEL", "PATH", "PWD", "TMPDIR", "TZ", "_HANDLER", "SHLVL", "_"}
    assert environment["LOG_LEVEL"] == "DEBUG"
    assert environment["AWS_ENDPOINT_URL"] == cloud.emulator.url


def test_a_function_imports_from_its_layers(cloud: LocalCloud) -> None:
    layer = cloud.client("lambda").publish_layer_version(
        LayerName="layer", Content={"ZipFile": zip_of("python/layered/__init__.py", "VALUE = 'from the layer'")}
    )
    source = "import layered\ndef lambda_handler(event, context): return layered.VALUE"
    assert invoke(cloud, create_function(cloud, source, Layers=[layer["LayerVersionArn"]])) == "from the layer"


def test_a_changed_environment_counts_from_the_next_invocation_on(cloud: LocalCloud) -> None:
    function = create_function(cloud, ENVIRONMENT)
    for value in ("one", "two", "three"):
        set_environment(cloud, function, SETTING=value)
        assert invoke(cloud, function)["SETTING"] == value


def test_a_range_of_an_objects_version_is_answered(cloud: LocalCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    version = s3.put_object(Bucket=bucket, Key="key", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket=bucket, Key="key", Body=b"other")
    for span, body in (("bytes=2-4", b"234"), ("bytes=-3", b"789"), ("bytes=7-", b"789"), ("bytes=9-99", b"9")):
        answer = s3.get_object(Bucket=bucket, Key="key", VersionId=version, Range=span)
        assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read()) == (206, body)
    with pytest.raises(s3.exceptions.ClientError, match="InvalidRange"):
        s3.get_object(Bucket=bucket, Key="key", VersionId=version, Range="bytes=10-")


def test_the_event_of_an_object_names_its_version_and_its_raw_key(cloud: LocalCloud, bucket: str) -> None:
    machine, key = create_machine(cloud, Type="Pass"), "dataset=a b/x+y ção:%2F.parquet"
    rule(cloud, bucket, machine)
    version = cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=b"12")["VersionId"]
    event = json.loads(wait_for_execution(cloud, machine)["input"])
    assert event["detail-type"] == "Object Created"
    assert event["detail"]["object"]["key"] == key
    assert event["detail"]["object"]["version-id"] == version


def test_an_event_whose_state_machine_is_gone_goes_to_the_dead_letter_queue(cloud: LocalCloud, bucket: str) -> None:
    sqs = cloud.client("sqs")
    queue = sqs.create_queue(QueueName=f"queue-{uuid4().hex}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    machine = create_machine(cloud, Type="Pass")
    rule(cloud, bucket, machine, DeadLetterConfig={"Arn": arn})
    cloud.client("stepfunctions").delete_state_machine(stateMachineArn=machine)
    cloud.client("s3").put_object(Bucket=bucket, Key="key", Body=b"1")
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"])["detail"]["object"]["key"] == "key"
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == machine


def test_starting_an_execution_from_a_state_fails_with_the_services_prefix(cloud: LocalCloud) -> None:
    missing = "arn:aws:states:us-east-1:000000000000:stateMachine:missing"
    machine = create_machine(
        cloud, Resource="arn:aws:states:::states:startExecution", Parameters={"StateMachineArn": missing, "Input": {}}
    )
    assert run(cloud, machine)["error"] == "StepFunctions.StateMachineDoesNotExistException"


def failing_task(**retry: Any) -> dict[str, Any]:
    """Return a Task that fails at once without a function, and its retrier."""
    missing = "arn:aws:states:us-east-1:000000000000:stateMachine:missing"
    return {
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": missing, "Input": {}},
        "Retry": [{"ErrorEquals": ["States.ALL"], **retry}],
    }


def retry_delays_s(cloud: LocalCloud, execution: dict[str, Any]) -> list[float]:
    """Return the times from each failure of the only Task to its next attempt."""
    history = cloud.client("stepfunctions").get_execution_history(executionArn=execution["executionArn"])["events"]
    starts = [event["timestamp"] for event in history if event["type"] == "TaskScheduled"]
    failures = [event["timestamp"] for event in history if event["type"] == "TaskFailed"]
    return [(start - failure).total_seconds() for failure, start in zip(failures, starts[1:], strict=False)]


def test_a_retry_waits_no_longer_than_its_maximum(cloud: LocalCloud) -> None:
    task = failing_task(IntervalSeconds=1, BackoffRate=20, MaxDelaySeconds=2, MaxAttempts=2)
    first, second = retry_delays_s(cloud, run(cloud, create_machine(cloud, **task)))
    assert 0.9 < first < 1.9 < second < 5


def test_full_jitter_shortens_delays_at_random(cloud: LocalCloud) -> None:
    task = failing_task(IntervalSeconds=1, BackoffRate=1, MaxAttempts=8, JitterStrategy="FULL")
    delays = retry_delays_s(cloud, run(cloud, create_machine(cloud, **task)))
    assert len(delays) == 8
    assert min(delays) < 0.9  # 8 of 8 above that: once in 100 million runs
    assert max(delays) - min(delays) > 0.01


def map_machine(cloud: LocalCloud, next_machine: str, **settings: Any) -> str:
    """Create a machine that fails for the item "fail", and for other items waits and starts `next_machine`."""
    fails = {"Variable": "$.item", "StringEquals": "fail", "Next": "Fail"}
    states = {
        "Choose": {"Type": "Choice", "Choices": [fails], "Default": "Wait"},
        "Fail": {"Type": "Fail", "Error": "FirstError", "Cause": "this one failed"},
        "Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Start"},
        "Start": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution",
            "Parameters": {"StateMachineArn": next_machine, "Input": {}},
            "Retry": [{"ErrorEquals": ["States.ALL"]}],
            "End": True,
        },
    }
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Choose", "States": states}
    return create_machine(cloud, Type="Map", ItemsPath="$.items", ItemProcessor=processor, **settings)


def test_a_map_ends_with_its_first_failed_iteration(cloud: LocalCloud) -> None:
    items = [{"item": "wait", "seconds": 1}, {"item": "fail"}, {"item": "wait", "seconds": 25}]
    later = create_machine(cloud, Type="Pass")
    started = time.monotonic()
    execution = run(cloud, map_machine(cloud, later), {"items": items})
    assert (execution["status"], execution["error"]) == ("FAILED", "FirstError")
    assert time.monotonic() - started < 20
    time.sleep(1.5)  # the first iteration would go on now
    assert cloud.client("stepfunctions").list_executions(stateMachineArn=later)["executions"] == []


def test_a_map_starts_no_iteration_after_a_failed_one(cloud: LocalCloud) -> None:
    items = [{"item": "wait", "seconds": 0}, {"item": "fail"}, *[{"item": "wait", "seconds": 0}] * 5]
    later = create_machine(cloud, Type="Pass")
    caught = {"ErrorEquals": ["FirstError"], "Next": "Caught"}
    execution = run(cloud, map_machine(cloud, later, MaxConcurrency=1, Catch=[caught]), {"items": items})
    assert execution["status"] == "SUCCEEDED"
    assert len(cloud.client("stepfunctions").list_executions(stateMachineArn=later)["executions"]) == 1


def test_a_map_whose_iterations_succeed_returns_their_results_in_order(cloud: LocalCloud) -> None:
    processor = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
    machine = create_machine(cloud, Type="Map", ItemsPath="$.items", ItemProcessor=processor)
    execution = run(cloud, machine, {"items": [3, 1, 2]})
    assert json.loads(execution["output"]) == [3, 1, 2]


def test_a_map_in_a_map_fails_alone_if_its_error_is_caught(cloud: LocalCloud) -> None:
    inner = {
        "Type": "Map",
        "ItemsPath": "$",
        "ItemProcessor": {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "InnerError"}}},
        "Catch": [{"ErrorEquals": ["InnerError"], "Next": "After"}],
        "End": True,
    }
    after = {"Type": "Pass", "Result": "caught", "End": True}
    processor = {"StartAt": "Inner", "States": {"Inner": inner, "After": after}}
    machine = create_machine(cloud, Type="Map", ItemsPath="$.items", ItemProcessor=processor)
    execution = run(cloud, machine, {"items": [[1, 2], [3]]})
    assert (execution["status"], json.loads(execution["output"])) == ("SUCCEEDED", ["caught", "caught"])


def test_a_reference_to_a_secret_is_its_arn_which_starts_with_the_logical_id(cloud: LocalCloud) -> None:
    cloudformation, stack = cloud.client("cloudformation"), f"stack-{uuid4().hex}"
    template = {
        "Resources": {"Token": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "value"}}},
        "Outputs": {"Arn": {"Value": {"Ref": "Token"}}},
    }
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    arn = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"][0]["OutputValue"]
    name, random_part, suffix = arn.removeprefix("arn:aws:secretsmanager:us-east-1:000000000000:secret:").split("-")
    assert (name, len(suffix)) == ("Token", 6)
    for identifier in (arn, f"{name}-{random_part}"):
        assert cloud.client("secretsmanager").get_secret_value(SecretId=identifier)["SecretString"] == "value"


def test_the_changes_refuse_another_version_of_ministack(tmp_path: Path) -> None:
    metadata = tmp_path / "ministack-9.9.9.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: ministack\nVersion: 9.9.9\n")
    process = subprocess.run(
        [BUILD / "venvs/emulator/bin/python", "-m", "local.aws.main"],
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert "9.9.9 is installed" in process.stderr
