"""A second interpreter of the state machine: moto's, strict where the emulator is lax, as about missing paths."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any, Literal

import boto3
import pytest
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.stepfunctions.parser.asl.utils import json_path

from state_machine.definition import LEDGER
from tests.support.scripted_functions import Functions, Raised

CONFIG: Any = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}
LEDGER_KEY: Mapping[str, Literal["HASH", "RANGE"]] = {"object": "HASH", "version": "RANGE"}
ROLE = "arn:aws:iam::123456789012:role/loader"


@dataclass(frozen=True)
class Ended:
    """An execution at its end."""

    client: Any
    arn: str
    ledger: Sequence[Mapping[str, Any]]

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

    def __init__(self) -> None:
        session = boto3.Session("x", "x", region_name="us-east-1")
        self.client: Any = session.client("stepfunctions")
        self.s3: Any = session.client("s3")
        self.ledger: Any = session.resource("dynamodb").create_table(
            TableName=LEDGER,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in LEDGER_KEY.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in LEDGER_KEY],
            BillingMode="PAY_PER_REQUEST",
        )
        self._functions = Functions({})
        self._runs = count()

    def run(
        self,
        definition: Mapping[str, Any],
        functions: Functions,
        event: object,
        *,
        ledger: Sequence[Mapping[str, Any]],
        longest_s: float,
    ) -> Ended:
        """Execute to the end on a ledger with these items; what finds no end in time is ABORTED."""
        self._functions = functions
        self._write_ledger(ledger)
        name = f"loader-{next(self._runs)}"
        machine = self.client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        started = self.client.start_execution(
            stateMachineArn=machine["stateMachineArn"], name="execution", input=json.dumps(event)
        )
        arn = started["executionArn"]
        deadline = time.monotonic() + longest_s
        while self.client.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.005)
            if time.monotonic() > deadline:
                self.client.stop_execution(executionArn=arn)
        return Ended(self.client, arn, self.ledger.scan()["Items"])

    def _write_ledger(self, items: Sequence[Mapping[str, Any]]) -> None:
        """In place of what it holds."""
        with self.ledger.batch_writer() as batch:
            for item in self.ledger.scan()["Items"]:
                batch.delete_item(Key={name: item[name] for name in LEDGER_KEY})
        for item in items:
            self.ledger.put_item(Item=item)

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
        running = Interpreter()
        patch.setattr(LambdaSimpleBackend, "invoke", running.invoke)
        # Nothing under a wildcard is an empty list in AWS (localstack/localstack#12318); moto knows it of one wildcard.
        patch.setattr(json_path, "_PATTERN_SLICE_OR_WILDCARD_ACCESS", r"\[\*\]")
        yield running
