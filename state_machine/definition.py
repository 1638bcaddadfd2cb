"""The definitions as Step Functions receives them, but without a deployment: for interpreters, checks and the diagram.

`definition` and `backfill_definition` synthesize a stack with stand-ins for functions, ledger and buckets, and
`_definition_of` reads the result. `python -m state_machine.definition` prints both.
"""

import json
import sys
from typing import Any, cast

from aws_cdk import App, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn

from shared.function_names import BACKFILL_FUNCTIONS, LOAD_FUNCTIONS
from state_machine.backfill import BackfillStateMachine
from state_machine.loader import LoaderStateMachine
from state_machine.settings import BackfillFunctions, LoadFunctions, MachineSettings

FUNCTION_ARN_PREFIX = "arn:aws:lambda:us-east-1:123456789012:function:"
LOADER_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:loader"
LEDGER = "ledger"
WORK = "work"


def definition(settings: MachineSettings | None = None) -> dict[str, Any]:
    """Return the loader's definition. A function's ARN is `FUNCTION_ARN_PREFIX` and its name."""
    stack = Stack(App(analytics_reporting=False), "Definition")
    functions: LoadFunctions = {
        name: lambda_.Function.from_function_arn(stack, name, FUNCTION_ARN_PREFIX + name) for name in LOAD_FUNCTIONS
    }
    log_group = logs.LogGroup.from_log_group_name(stack, "Log", "definition")
    loader = LoaderStateMachine(
        stack,
        "Loader",
        functions=functions,
        ledger=dynamodb.Table.from_table_name(stack, "Ledger", LEDGER),
        settings=settings or MachineSettings(),
        log_group=log_group,
    )
    return _definition_of(loader.state_machine)


def backfill_definition(settings: MachineSettings | None = None) -> dict[str, Any]:
    """Return the backfill's definition. It starts executions of `LOADER_ARN`."""
    stack = Stack(App(analytics_reporting=False), "Definition")
    functions: BackfillFunctions = {
        name: lambda_.Function.from_function_arn(stack, name, FUNCTION_ARN_PREFIX + name) for name in BACKFILL_FUNCTIONS
    }
    backfill = BackfillStateMachine(
        stack,
        "Backfill",
        load=sfn.StateMachine.from_state_machine_arn(stack, "Loader", LOADER_ARN),
        check_health=lambda_.Function.from_function_arn(stack, "Health", FUNCTION_ARN_PREFIX + "check_health"),
        find_stale=lambda_.Function.from_function_arn(stack, "FindStale", FUNCTION_ARN_PREFIX + "find_stale"),
        functions=functions,
        work=s3.Bucket.from_bucket_name(stack, "Work", WORK),
        settings=settings or MachineSettings(),
        log_group=logs.LogGroup.from_log_group_name(stack, "Log", "definition"),
    )
    return _definition_of(backfill.state_machine)


def _definition_of(state_machine: sfn.StateMachine) -> dict[str, Any]:
    """Return the definition as JSON, with the partition "aws" in ARNs: nothing else in it depends on the deployment."""
    machine = cast(sfn.CfnStateMachine, state_machine.node.default_child)
    pieces = Stack.of(state_machine).resolve(machine.definition_string)["Fn::Join"][1]
    text = "".join("aws" if piece == {"Ref": "AWS::Partition"} else piece for piece in pieces)
    return cast(dict[str, Any], json.loads(text))


def definitions_json() -> str:
    """Return both definitions as text. docs/state_machines.json is a copy of it, so that changes can be reviewed."""
    return json.dumps({"loader": definition(), "backfill": backfill_definition()}, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(definitions_json())
