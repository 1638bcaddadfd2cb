"""A second interpreter of the state machine: moto's, strict where the emulator is lax, as about missing paths."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.stepfunctions.parser.asl.utils import json_path

from tests.functional.state_machine.scripted_functions import Functions, Raised

CONFIG: Any = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}
ROLE = "arn:aws:iam::123456789012:role/loader"


@dataclass(frozen=True)
class Ended:
    """An execution at its end."""

    client: Any
    arn: str

    @cached_property
    def description(self) -> Mapping[str, Any]:
        return dict(self.client.describe_execution(executionArn=self.arn))

    @property
    def status(self) -> str:
        return str(self.description["status"])

    @property
    def output(self) -> Any:
        return json.loads(self.description.get("output", "null"))

    @property
    def error(self) -> str | None:
        return self.description.get("error")

    @property
    def cause(self) -> str:
        return str(self.description.get("cause"))

    @cached_property
    def events(self) -> Sequence[Mapping[str, Any]]:
        pages = self.client.get_paginator("get_execution_history").paginate(
            executionArn=self.arn, PaginationConfig={"PageSize": 1000}
        )
        return [event for page in pages for event in page["events"]]

    @property
    def states(self) -> list[str]:
        """Names in the order in which they were entered."""
        entered = (event.get("stateEnteredEventDetails") for event in self.events)
        return [details["name"] for details in entered if details]


class Interpreter:
    """Runs definitions, one at a time."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._functions = Functions({})
        self._runs = count()

    def run(self, definition: Mapping[str, Any], functions: Functions, event: object) -> Ended:
        """Execute to the end; the execution is called `execution`."""
        self._functions = functions
        name = f"loader-{next(self._runs)}"
        machine = self._client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        started = self._client.start_execution(
            stateMachineArn=machine["stateMachineArn"], name="execution", input=json.dumps(event)
        )
        arn = started["executionArn"]
        while self._client.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.005)
        return Ended(self._client, arn)

    def invoke(self, name: str, _qualifier: object, body: Any, _headers: object, response_headers: Any) -> bytes:
        """In place of `LambdaSimpleBackend.invoke`."""
        result = self._functions.invoke(name.rpartition(":")[2], json.loads(body))
        if isinstance(result, Raised):
            response_headers["x-amz-function-error"] = "Unhandled"
            result = {"errorType": result.error, "errorMessage": result.message}
        return json.dumps(result).encode()


@contextmanager
def interpreter() -> Iterator[Interpreter]:
    with pytest.MonkeyPatch.context() as patch, mock_aws(config=CONFIG):
        client = boto3.client("stepfunctions", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        running = Interpreter(client)
        patch.setattr(LambdaSimpleBackend, "invoke", running.invoke)
        # Nothing under a wildcard is an empty list in AWS (localstack/localstack#12318); moto knows it of one wildcard.
        patch.setattr(json_path, "_PATTERN_SLICE_OR_WILDCARD_ACCESS", r"\[\*\]")
        yield running
