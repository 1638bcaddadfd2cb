"""Lambda functions and state machines that tests create on the emulator with its API, without CDK."""

import io
import json
import sys
import time
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

from local.cloud import LocalCloud

ROLE = "arn:aws:iam::000000000000:role/any"
ENVIRONMENT = """
import os
def lambda_handler(event, context): return dict(os.environ)
"""


def zip_of(file: str, source: str) -> bytes:
    """Return a zip archive that contains one file."""
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr(file, source)
    return content.getvalue()


def create_function(cloud: LocalCloud, source: str, *, timeout_s: int = 10, **settings: Any) -> str:
    """Create a function from `source`, which defines `lambda_handler`, and return its name."""
    name = f"function-{uuid4().hex}"
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Role=ROLE,
        Handler="handler.lambda_handler",
        Code={"ZipFile": zip_of("handler.py", source)},
        Timeout=timeout_s,
        **settings,
    )
    return name


def set_environment(cloud: LocalCloud, function: str, **variables: str) -> None:
    """Replace the environment variables of the function."""
    environment = {"Variables": variables}
    cloud.client("lambda").update_function_configuration(FunctionName=function, Environment=environment)


def invoke(cloud: LocalCloud, function: str, event: object = None) -> Any:
    """Invoke the function, and return its result or the error that it reports."""
    payload = json.dumps(event).encode()
    return json.loads(cloud.client("lambda").invoke(FunctionName=function, Payload=payload)["Payload"].read())


def create_machine(cloud: LocalCloud, **task: Any) -> str:
    """Create a state machine with one Task state, and return its ARN."""
    definition = {
        "StartAt": "Work",
        "States": {"Work": {"Type": "Task", "End": True, **task}, "Caught": {"Type": "Succeed"}},
    }
    name = f"machine-{uuid4().hex}"
    reply = cloud.client("stepfunctions").create_state_machine(
        name=name, roleArn=ROLE, definition=json.dumps(definition)
    )
    return str(reply["stateMachineArn"])


def wait_for_execution(cloud: LocalCloud, machine: str) -> dict[str, Any]:
    """Wait until the only execution of the state machine has ended."""
    client, deadline = cloud.client("stepfunctions"), time.monotonic() + 30
    while time.monotonic() < deadline:
        for entry in client.list_executions(stateMachineArn=machine)["executions"]:
            execution: dict[str, Any] = client.describe_execution(executionArn=entry["executionArn"])
            if execution["status"] != "RUNNING":
                return execution
        time.sleep(0.05)
    raise TimeoutError(f"no execution of {machine} has ended")


def run(cloud: LocalCloud, machine: str, content: object = None) -> dict[str, Any]:
    """Start one execution with `content` as its input, and wait for its end."""
    cloud.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(content or {}))
    return wait_for_execution(cloud, machine)
