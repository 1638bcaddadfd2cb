"""Functions and state machines made on the emulator by API, without CDK."""

import io
import json
import sys
import time
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

from local.cloud import LocalCloud

ROLE = "arn:aws:iam::000000000000:role/any"


def zipped(file: str, source: str) -> bytes:
    """A zip with one file."""
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr(file, source)
    return content.getvalue()


def create_function(cloud: LocalCloud, source: str, *, timeout_s: int = 10, **settings: Any) -> str:
    """The name of a function whose `lambda_handler` is in `source`."""
    name = f"function-{uuid4().hex}"
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Role=ROLE,
        Handler="handler.lambda_handler",
        Code={"ZipFile": zipped("handler.py", source)},
        Timeout=timeout_s,
        **settings,
    )
    return name


def invoke(cloud: LocalCloud, function: str, event: object = None) -> Any:
    """What it answers, or the error that it reports."""
    payload = json.dumps(event).encode()
    return json.loads(cloud.client("lambda").invoke(FunctionName=function, Payload=payload)["Payload"].read())


def create_machine(cloud: LocalCloud, **task: Any) -> str:
    """The ARN of a state machine with one Task."""
    definition = {
        "StartAt": "Work",
        "States": {"Work": {"Type": "Task", "End": True, **task}, "Caught": {"Type": "Succeed"}},
    }
    name = f"machine-{uuid4().hex}"
    created = cloud.client("stepfunctions").create_state_machine(
        name=name, roleArn=ROLE, definition=json.dumps(definition)
    )
    return str(created["stateMachineArn"])


def the_execution(cloud: LocalCloud, machine: str) -> dict[str, Any]:
    """The only one of a machine, at its end."""
    client, deadline = cloud.client("stepfunctions"), time.monotonic() + 30
    while time.monotonic() < deadline:
        for started in client.list_executions(stateMachineArn=machine)["executions"]:
            execution: dict[str, Any] = client.describe_execution(executionArn=started["executionArn"])
            if execution["status"] != "RUNNING":
                return execution
        time.sleep(0.05)
    raise TimeoutError(f"no execution of {machine} has ended")


def run(cloud: LocalCloud, machine: str, content: object = None) -> dict[str, Any]:
    """Start one execution with `content` as its input, and wait for its end."""
    cloud.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(content or {}))
    return the_execution(cloud, machine)
