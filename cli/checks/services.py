"""Checks of what the stack created, of InfluxDB as the functions see it, and of who notices failures."""

from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

import boto3

from cli.checks.finding import Finding, ok, problem
from cli.deployed.buckets import invoke_check_health
from cli.deployed.dead_letters import count_dead_letters
from cli.deployed.release import compare_release
from cli.deployed.stack import Deployment
from cli.documents import document
from cli.output import quantity
from cli.remedies import RUNBOOK, remedy
from shared.code_digest import code_digest
from shared.errors import InfluxUnauthorizedError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

GUIDE = document("deploy.md")

DIGITS = 12
"""How many digits of a digest to print."""

LITTLE_CONCURRENCY = 50
"""A load of one large file uses up to 10 functions at once. New accounts have a limit of 10."""


def check_stack(deployment: Deployment) -> Finding:
    """Check that the last deployment is complete."""
    place = f"account {deployment.account}, {deployment.region}"  # raises NotFoundError without a stack
    client: CloudFormationClient = boto3.client("cloudformation")
    state = client.describe_stacks(StackName=deployment.stack)["Stacks"][0]["StackStatus"]
    detail = f"{deployment.stack} in {place}, {client.meta.endpoint_url}: {state}"
    if state in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"):
        return ok(detail)
    return problem(detail, "wait for the deployment, or read why it failed in the stack's events in CloudFormation")


def check_release(deployment: Deployment) -> Finding:
    """Compare the deployed code with this checkout."""
    release, digest = compare_release(deployment), code_digest()[:DIGITS]
    checkout = f"loader {metadata.version('influxdb-loader')}, digest {digest}"
    if not release.warning:
        return ok(f"the deployment runs the code of this checkout: {checkout}")
    what = "datasets" if release.datasets == "differs" else "code"
    deployed = deployment.outputs.get("CodeDigest", "")[:DIGITS]
    detail = (
        f"the deployed {what} (digest {deployed}) differs from this checkout: {checkout}"
        if release.code == "differs"
        else f"the deployment does not tell its code; this checkout is {checkout}"
    )
    return Finding("warning", detail, "run `cdk diff`; then deploy this checkout, or check out what is deployed")


def check_trigger(deployment: Deployment) -> Finding:
    """Check that the rule that starts loads is enabled."""
    client: Any = boto3.client("events")
    name = deployment.output("TriggerRuleName")
    state = client.describe_rule(Name=name)["State"]
    if state == "DISABLED":
        return problem(f"the rule {name} is disabled: no file starts a load", f"aws events enable-rule --name {name}")
    return ok(f"the rule {name} is enabled")


def check_influxdb(deployment: Deployment) -> Finding:
    """Check that CheckHealth, from where it runs, reaches InfluxDB with the token in the secret."""
    health = invoke_check_health(deployment)
    if "errorType" not in health:
        answer = f"{health.get('version', 'InfluxDB')} answers in {health.get('response_time_ms', 0)} ms"
        return ok(f"{answer}, and the token may write to the bucket")
    error = str(health["errorType"])
    detail = f"{error}: {health.get('errorMessage', '')}"
    if error == InfluxUnauthorizedError.__name__ and _is_generated(deployment):
        return problem(
            "the secret still has the value that the stack generated, which is no token of InfluxDB",
            f"store the token: see {GUIDE}, Store the token",
        )
    return problem(detail, f"{remedy(error)} (details: {RUNBOOK})")


def _is_generated(deployment: Deployment) -> bool:
    """Return whether nobody has stored a value in the secret since it was created."""
    client: SecretsManagerClient = boto3.client("secretsmanager")
    versions = client.describe_secret(SecretId=deployment.output("TokenSecretName")).get("VersionIdsToStages", {})
    return not any("AWSPREVIOUS" in stages for stages in versions.values())


def check_dead_letters(deployment: Deployment) -> Finding:
    """Check that the queue of events that started no load is empty."""
    count = count_dead_letters(deployment)
    if not count:
        return ok("the dead-letter queue is empty")
    return problem(
        f"{quantity(count, 'event')} started no load and {'are' if count > 1 else 'is'} in the dead-letter queue",
        f"load the files again, and empty the queue: {RUNBOOK}, DeadLetters",
    )


def check_subscription(deployment: Deployment) -> Finding:
    """Check that somebody receives the alarms."""
    client: Any = boto3.client("sns")
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=deployment.output("AlarmTopicArn"))
    return judge_subscriptions([subscription for page in pages for subscription in page["Subscriptions"]])


def judge_subscriptions(subscriptions: Iterable[Mapping[str, Any]]) -> Finding:
    """Return the finding about the subscriptions of the alarm topic, as SNS lists them."""
    state = {str(subscription["Endpoint"]): subscription["SubscriptionArn"] for subscription in subscriptions}
    pending = [endpoint for endpoint, arn in state.items() if arn == "PendingConfirmation"]
    confirmed = [endpoint for endpoint in state if endpoint not in pending]
    if confirmed:
        return ok(f"alarms go to {', '.join(confirmed)}")
    if pending:
        return problem(
            f"{', '.join(pending)} has not confirmed the subscription, so nobody receives alarms",
            f"follow the link in the email of AWS; it is valid for 3 days, then subscribe again: see {GUIDE}, "
            "Configure InfluxDB",
        )
    return problem("nobody receives alarms", "set alarm_email and deploy again, or subscribe to the alarm topic")


def check_concurrency(deployment: Deployment) -> Finding:
    """Check that the functions may run: the reserved concurrency of WriteBatch, and the account's limit."""
    client: LambdaClient = boto3.client("lambda")
    name = deployment.output("WriteBatchName")
    reserved = client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    if reserved == 0:
        return problem(
            "the reserved concurrency of WriteBatch is 0, so nothing is written",
            f"aws lambda delete-function-concurrency --function-name {name}",
        )
    limit = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    detail = f"the account may run {limit:,} functions at once" + (f", WriteBatch {reserved}" if reserved else "")
    if limit < LITTLE_CONCURRENCY:
        return Finding("warning", detail, "ask for a higher quota in Service Quotas: loads of several files will wait")
    return ok(detail)
