"""`loader doctor`: check the deployment, and say what to do about each problem."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from cli.advice import error_text, next_step
from cli.checks import services, source
from cli.checks.finding import Finding, Verdict, ok, problem
from cli.deployed.stack import Deployment
from cli.errors import RefusedError
from cli.listing import is_piped
from cli.options import AsJson, Stack
from cli.output import console, line_of, show_json, stderr
from shared.settings import STACK_NAME

FAILED = 1
CHECKS: Mapping[str, Callable[[Deployment], Finding]] = {
    "release": services.check_release,
    "trigger": services.check_trigger,
    "source bucket": source.check_owner,
    "bucket events": source.check_events,
    "bucket key": source.check_key,
    "InfluxDB": services.check_influxdb,
    "dead letters": services.check_dead_letters,
    "alarms": services.check_subscription,
    "concurrency": services.check_concurrency,
}
"""The checks of a stack that exists, in the order of the output. Each is independent of the others."""

COLORS: Mapping[Verdict, str] = {"ok": "green", "warning": "yellow", "problem": "bold red"}


class Check(NamedTuple):
    """A check with its name and its result."""

    name: str
    finding: Finding


def doctor(*, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Check the deployment and what it depends on, and say what to do about each problem."""
    checks = []
    with stderr.status("checking the deployment"):
        for check in run_checks(Deployment(stack)):
            checks.append(check)
            if not as_json:
                _show(check)
    if as_json:
        show_json([{"check": check.name, **check.finding._asdict()} for check in checks])
    if any(check.finding.verdict == "problem" for check in checks):
        raise typer.Exit(FAILED)


def run_checks(deployment: Deployment) -> Iterator[Check]:
    """Yield the checks as they are made. Without credentials or without a stack, nothing else can be checked."""
    for name, check in {"credentials": check_credentials, "stack": services.check_stack}.items():
        finding = _attempt(check, deployment)
        yield Check(name, finding)
        if finding.verdict == "problem":
            return
    yield from (Check(name, _attempt(check, deployment)) for name, check in CHECKS.items())


def check_credentials(deployment: Deployment) -> Finding:  # noqa: ARG001 every check takes the deployment
    """Check that AWS accepts the credentials of the environment."""
    return ok(boto3.client("sts").get_caller_identity()["Arn"])


def _attempt(check: Callable[[Deployment], Finding], deployment: Deployment) -> Finding:
    """Make a check. An error is its result, since it must not keep the other checks from being made."""
    try:
        return check(deployment)
    except (BotoCoreError, ClientError, RefusedError) as error:
        return problem(error_text(error), next_step(error))


def _show(check: Check) -> None:
    """Print a check on one line, and what to do on the next one; in a pipe, all on one line."""
    verdict, detail, advice = check.finding
    if is_piped(console):
        console.print(line_of(check.name, verdict, detail, advice))
        return
    console.print(Text.assemble(f"{check.name:<15}", (f"{verdict:<9}", COLORS[verdict]), detail), soft_wrap=True)
    if advice:
        console.print(Text(f"{'':<24}→ {advice}", "dim"), soft_wrap=True)
