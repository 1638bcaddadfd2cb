"""A second interpreter of the state machine: moto's, which unlike the emulator fails on a missing path."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import count
from typing import Any, Literal

import boto3
import pytest
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import json_path

from state_machine.definition import LEDGER
from tests.support.scripted_functions import Failure, Functions

CONFIG: Any = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}
LEDGER_KEY: Mapping[str, Literal["HASH", "RANGE"]] = {"object": "HASH", "version": "RANGE"}
POLL_S = 0.02
ROLE = "arn:aws:iam::123456789012:role/loader"


@dataclass(frozen=True)
class ExecutionResult:
    """An execution that has ended, and the items of the ledger after it."""

    client: Any
    arn: str
    ledger: Sequence[Mapping[str, Any]]

    @cached_property
    def description(self) -> Mapping[str, Any]:
        return dict(self.client.describe_execution(executionArn=self.arn))

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

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
        """The names of the states, in the order in which the execution entered them."""
        entries = (event.get("stateEnteredEventDetails") for event in self.events)
        return [details["name"] for details in entries if details]


class Interpreter:
    """An interpreter that runs one definition at a time, with scripted functions and a ledger of its own."""

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
        self._machines: dict[str, str] = {}

    def run(
        self,
        definition: Mapping[str, Any],
        functions: Functions,
        event: object,
        *,
        ledger: Sequence[Mapping[str, Any]],
        timeout_s: float,
    ) -> ExecutionResult:
        """Execute the definition on a ledger with these items, and stop it as ABORTED after `timeout_s`."""
        self._functions = functions
        self._write_ledger(ledger)
        reply = self.client.start_execution(
            stateMachineArn=self._machine(json.dumps(definition)),
            name=f"execution-{next(self._runs)}",
            input=json.dumps(event),
        )
        arn = reply["executionArn"]
        deadline = time.monotonic() + timeout_s
        while self.client.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(POLL_S)
            if time.monotonic() > deadline:
                self.client.stop_execution(executionArn=arn)
        return ExecutionResult(self.client, arn, self.ledger.scan()["Items"])

    def _machine(self, definition: str) -> str:
        """Return the ARN of the state machine with this definition, which moto checks at length when it is created."""
        if definition not in self._machines:
            name = f"loader-{len(self._machines)}"
            machine = self.client.create_state_machine(name=name, definition=definition, roleArn=ROLE)
            self._machines[definition] = machine["stateMachineArn"]
        return self._machines[definition]

    def _write_ledger(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Replace all items of the ledger."""
        with self.ledger.batch_writer() as batch:
            for item in self.ledger.scan()["Items"]:
                batch.delete_item(Key={name: item[name] for name in LEDGER_KEY})
        for item in items:
            self.ledger.put_item(Item=item)

    def invoke(self, name: str, _qualifier: object, body: Any, _headers: object, response_headers: Any) -> bytes:
        """Call a scripted function; this replaces `LambdaSimpleBackend.invoke`."""
        result = self._functions.invoke(name.rpartition(":")[2], json.loads(body))
        if isinstance(result, Failure):
            response_headers["x-amz-function-error"] = "Unhandled"
            result = {"errorType": result.error, "errorMessage": result.message}
        return json.dumps(result).encode()


_parse = AmazonStateLanguageParser.parse


@cache
def _tree_of(definition: str) -> Any:
    """Return the syntax tree of a definition, which takes a second to parse, and which many tests execute."""
    return _parse(definition)[1]


def _parse_once(definition: str) -> tuple[EvalComponent, Any]:
    """Do what `AmazonStateLanguageParser.parse` does: each execution has components of its own, since they change."""
    tree = _tree_of(definition)
    return Preprocessor().visit(tree), tree


@contextmanager
def interpreter() -> Iterator[Interpreter]:
    """Run an interpreter on mocked AWS services."""
    with pytest.MonkeyPatch.context() as patch, mock_aws(config=CONFIG):
        moto = Interpreter()
        patch.setattr(LambdaSimpleBackend, "invoke", moto.invoke)
        patch.setattr(AmazonStateLanguageParser, "parse", staticmethod(_parse_once))
        # A wildcard that matches nothing is an empty list in AWS (localstack/localstack#12318). moto does that for one
        # kind of wildcard only.
        patch.setattr(json_path, "_PATTERN_SLICE_OR_WILDCARD_ACCESS", r"\[\*\]")
        yield moto
