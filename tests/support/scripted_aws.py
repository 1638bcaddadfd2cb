"""A server on loopback for the AWS services that the commands use besides S3 and DynamoDB, which are moto's.

It plays CloudFormation with one stack, Lambda with the environments of its functions, and Step Functions with
executions that end as a test says. boto3 finds it by AWS_ENDPOINT_URL_CLOUDFORMATION, _LAMBDA and _SFN.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.support.serving import serve_in_thread

STACK = "InfluxdbLoader"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:loader"
BACKFILL = "arn:aws:states:us-east-1:123456789012:stateMachine:backfill"
ENDPOINTS = tuple(f"AWS_ENDPOINT_URL_{service}" for service in ("CLOUDFORMATION", "LAMBDA", "SFN"))

Json = dict[str, Any]
Ending = Callable[[Json], Json]
"""From an execution's input to what DescribeExecution tells of its end: status, output, error, cause."""


COUNTS: Json = {"points_written": 0, "processing_time_seconds": 1.25, "conversion_stats": {"input_rows": 0}}
"""What the commands read of every response of a load."""


def succeeded(message: str = "Data loaded successfully", **data: Any) -> Json:
    """The end of an execution with this response."""
    timestamp = "2024-01-01T00:00:00.000000"
    response = {"statusCode": 200, "message": message, "timestamp": timestamp, "data": COUNTS | data}
    return {"status": "SUCCEEDED", "output": json.dumps(response)}


def failed(error: str, message: str, **data: Any) -> Json:
    """The end of an execution with this error."""
    data = {"error": error, **COUNTS, **data}
    return {"status": "FAILED", "error": error, "cause": json.dumps({"message": message, "data": data})}


class ScriptedAws(ThreadingHTTPServer):
    """`ending` decides how executions that are started end; `executions` holds them by ARN, the oldest first.

    `results` holds what the functions return that a command invokes, or how they compute it from their event; one with
    an `errorType` is an error.
    An execution is seen as running `looks` times, in state `state` with `state_input`, before it ends. `before_list` is
    called before executions are listed: a test can start those there that S3's events would start.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.outputs: dict[str, str] = {}
        self.environments: dict[str, dict[str, str]] = {}
        self.results: dict[str, Json | Callable[[Json], Json]] = {}
        self.executions: dict[str, Json] = {}
        self.ending: Ending = lambda _: succeeded()
        self.looks, self.state, self.state_input = 0, "WriteBatches", "{}"
        self.item_counts: Json | None = None
        self.before_list: Callable[[], None] = lambda: None
        self.actions: list[str] = []
        self.stack_status = "UPDATE_COMPLETE"
        self.account_concurrency = 1000
        self.reserved_concurrency: Json = {}

    @property
    def inputs(self) -> list[Json]:
        """The inputs of all executions, in the order in which they were started."""
        return [json.loads(execution["input"]) for execution in self.executions.values()]

    def start(self, machine: str, event: Json, name: str = "", **end: Any) -> str:
        """Start an execution; its ARN."""
        name = name or f"run-{len(self.executions) + 1}"
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        self.executions[arn] = {
            "executionArn": arn,
            "name": name,
            "stateMachineArn": machine,
            "startDate": time(),
            "input": json.dumps(event),
            "end": end or self.ending(event),
            "looks": self.looks,
        }
        return arn

    def step_functions(self, action: str, request: Json) -> Json:
        """The reply to one request. Raises LookupError for an execution that does not exist."""
        self.actions.append(action)
        if action == "StartExecution":
            arn = self.start(request["stateMachineArn"], json.loads(request["input"]))
            return {"executionArn": arn, "startDate": time()}
        if action == "ListExecutions":
            self.before_list()
            newest_first = [e for e in reversed(self.executions.values()) if _is_listed(e, request)]
            return {"executions": newest_first}
        if action == "DescribeMapRun":
            return {"itemCounts": self.item_counts}
        reply: Json = getattr(self, f"_{action}")(self.executions[request["executionArn"]])
        return reply

    def _DescribeExecution(self, execution: Json) -> Json:  # noqa: N802 - the name of the action
        if execution["looks"] > 0:
            execution["looks"] -= 1
            return execution | {"status": "RUNNING"}
        return {**execution, **execution["end"]}

    def _GetExecutionHistory(self, _: Json) -> Json:  # noqa: N802
        entered = {"timestamp": time(), "type": "TaskStateEntered", "id": 1}
        return {"events": [entered | {"stateEnteredEventDetails": {"name": self.state, "input": self.state_input}}]}

    def _ListMapRuns(self, execution: Json) -> Json:  # noqa: N802
        arn = execution["executionArn"]
        return {"mapRuns": [{"mapRunArn": arn, "executionArn": arn}] if self.item_counts else []}

    def _StopExecution(self, execution: Json) -> Json:  # noqa: N802
        execution |= {"end": {"status": "ABORTED"}, "looks": 0}
        return {"stopDate": time()}


def _is_listed(execution: Json, request: Json) -> bool:
    running = execution["looks"] > 0
    same_machine: bool = execution["stateMachineArn"] == request["stateMachineArn"]
    return same_machine and (running or request.get("statusFilter") != "RUNNING")


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedAws

    def do_GET(self) -> None:
        if self.path.startswith("/2016-08-19/account-settings"):
            self._send(200, {"AccountLimit": {"ConcurrentExecutions": self.server.account_concurrency}})
            return
        name = unquote(self.path).split("/")[3]
        if self.path.endswith("/concurrency"):
            self._send(200, self.server.reserved_concurrency)
            return
        self._send(200, {"Environment": {"Variables": self.server.environments[name]}, "MemorySize": 1769})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path.endswith("/invocations"):
            self._invoke(unquote(self.path).split("/")[3], body)
            return
        if "X-Amz-Target" not in self.headers:
            self._describe_stack(parse_qs(body)["StackName"][0])
            return
        try:
            action = self.headers["X-Amz-Target"].rpartition(".")[2]
            self._send(200, self.server.step_functions(action, json.loads(body)))
        except LookupError:
            self._send(400, {"__type": "ExecutionDoesNotExist", "message": "Execution Does Not Exist"})

    def _invoke(self, name: str, body: str) -> None:
        result = self.server.results.get(name)
        if result is None:
            self._send(404, {"Type": "User", "Message": f"Function not found: {name}"})
            return
        if callable(result):
            result = result(json.loads(body))
        self._send(200, result, {"X-Amz-Function-Error": "Unhandled"} if "errorType" in result else {})

    def _describe_stack(self, name: str) -> None:
        if name != STACK:
            code = "<Code>ValidationError</Code>"
            self._send(400, f"<ErrorResponse><Error>{code}<Message>does not exist</Message></Error></ErrorResponse>")
            return
        members = "".join(
            f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            for key, value in self.server.outputs.items()
        )
        state = self.server.stack_status
        result = f"<Stacks><member><StackStatus>{state}</StackStatus><Outputs>{members}</Outputs></member></Stacks>"
        self._send(200, f"<R><DescribeStacksResult>{result}</DescribeStacksResult></R>")

    def _send(self, status: int, content: Json | str, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        body = content if isinstance(content, str) else json.dumps(content)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def scripted_aws() -> Iterator[ScriptedAws]:
    """A running server."""
    with serve_in_thread(ScriptedAws()) as server:
        yield server
