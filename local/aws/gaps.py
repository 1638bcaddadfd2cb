"""Differences between ministack and AWS that the loader or its tests would notice, removed.

`close_gaps` replaces private functions of ministack with the functions below. Each of them calls the original and
corrects its result.
"""

# ministack has no public hook for this, so its private functions are replaced.
# ruff: noqa: SLF001

import json
import time
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from ministack.core.arn import parse_arn
from ministack.services import eventbridge, s3, secretsmanager, sqs, stepfunctions
from ministack.services.cloudformation import provisioners

_get_object = s3._get_object
_fire_s3_event = s3._fire_s3_event
_dispatch_event = eventbridge._dispatch_event
_invoke_target = eventbridge._invoke_target
_call_lambda = stepfunctions._call_lambda
_alarm_record = provisioners._cw_metric_alarm_record
_SECRET = dict(provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"])

_version_id: ContextVar[str | None] = ContextVar("_version_id", default=None)

_START_PAUSE_S = 0.15
"""How long ministack waits before the first state of an execution. On AWS, that begins at once."""

_START_EXECUTION_ERRORS = (
    "ExecutionAlreadyExists",
    "ExecutionLimitExceeded",
    "InvalidArn",
    "InvalidExecutionInput",
    "InvalidName",
    "StateMachineDoesNotExist",
)


def close_gaps() -> None:
    """Replace the functions that behave differently on AWS."""
    s3._get_object = _get_object_range
    s3._fire_s3_event = _fire_s3_event_with_version
    eventbridge._dispatch_event = _dispatch_event_with_version
    eventbridge._invoke_target = _invoke_or_dead_letter
    stepfunctions._call_lambda = _call_lambda_throttled
    stepfunctions.time = SimpleNamespace(**vars(time) | {"sleep": _sleep_unless_starting})
    for name in ("_invoke_nested_start_execution", "_invoke_nested_start_execution_sync"):
        setattr(stepfunctions, name, _with_aws_error_names(getattr(stepfunctions, name)))
    provisioners._cw_metric_alarm_record = _alarm_record_of_any_metrics
    provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"] |= {
        "create": _create_secret,
        "update": _update_secret,
        "delete": _delete_secret,
    }


def _get_object_range(bucket: str, key: str, headers: dict[str, str], query_params: Any = None) -> tuple[Any, ...]:
    """Honor Range in GetObject with a version id, where ministack returns the whole body."""
    status, reply_headers, body = _get_object(bucket, key, headers, query_params)
    if status != 200 or "range" not in headers:  # noqa: PLR2004 - the HTTP status
        return status, reply_headers, body
    span = s3._parse_range(headers["range"], len(body))
    if span is None:
        error = s3._xml_body(s3._range_error_xml(bucket, key))
        return 416, {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}, error
    first, last = span
    range_headers = {
        name: value for name, value in reply_headers.items() if not name.lower().startswith("x-amz-checksum")
    }
    range_headers |= {"Content-Range": f"bytes {first}-{last}/{len(body)}", "Content-Length": str(last + 1 - first)}
    return 206, range_headers, body[first : last + 1]


def _fire_s3_event_with_version(*args: Any, **kwargs: Any) -> None:
    """Remember the version id of the object. Each notification runs in its own context, so it stays with its event."""
    _version_id.set(kwargs.get("version_id"))
    _fire_s3_event(*args, **kwargs)


def _dispatch_event_with_version(event: dict[str, Any], *args: Any, **kwargs: Any) -> None:
    """Add `object.version-id` to events of a versioned bucket."""
    if event.get("Source") == "aws.s3" and (version_id := _version_id.get()):
        detail = json.loads(event["Detail"])
        detail["object"]["version-id"] = version_id
        event = {**event, "Detail": json.dumps(detail)}
    _dispatch_event(event, *args, **kwargs)


def _invoke_or_dead_letter(
    target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
) -> None:
    """Send an event to the dead-letter queue of its target if the state machine no longer exists."""
    queue_arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    is_machine = parse_arn(target["Arn"]).service == "states"
    if not (queue_arn and is_machine and stepfunctions._resolve_state_machine_arn(target["Arn"]) is None):
        _invoke_target(target, event, rule, view)
        return
    view = view or eventbridge._pattern_event_view(event)
    eventbridge._dispatch_to_sqs(parse_arn(queue_arn), json.dumps(view.event_with_detail()))
    reason = {"RULE_ARN": rule.get("Arn"), "TARGET_ARN": target["Arn"], "ERROR_CODE": "NO_RESOURCE"}
    message = sqs._queue_by_arn(queue_arn)["messages"][-1]
    message["message_attributes"] = {
        name: {"DataType": "String", "StringValue": value} for name, value in reason.items()
    }


def _call_lambda_throttled(*args: Any) -> Any:
    """Raise a throttled invocation as `Lambda.TooManyRequestsException`, where ministack says `Lambda.Unknown`."""
    try:
        return _call_lambda(*args)
    except stepfunctions._ExecutionError as error:
        if '"__type": "TooManyRequestsException"' not in error.cause:
            raise
        raise stepfunctions._ExecutionError("Lambda.TooManyRequestsException", error.cause) from None


def _sleep_unless_starting(seconds: float) -> None:
    """Sleep, except for the pause before the first state."""
    if seconds != _START_PAUSE_S:
        time.sleep(seconds)


def _with_aws_error_names(start: Any) -> Any:
    """Wrap `startExecution` in a state so that it fails with `StepFunctions.<name>Exception`."""

    def start_execution(resource: str, request: dict[str, Any]) -> Any:
        try:
            return start(resource, request)
        except stepfunctions._ExecutionError as error:
            if error.error not in _START_EXECUTION_ERRORS:
                raise
            raise stepfunctions._ExecutionError(f"StepFunctions.{error.error}Exception", error.cause) from None

    return start_execution


def _alarm_record_of_any_metrics(name: str, properties: dict[str, Any]) -> Any:
    """Accept an alarm on an expression of metrics, as an alarm on the first of them. Nothing here evaluates alarms."""
    if not (metrics := properties.get("Metrics")):
        return _alarm_record(name, properties)
    first = next(each["MetricStat"]["Metric"] for each in metrics if "MetricStat" in each)
    others = {key: value for key, value in properties.items() if key != "Metrics"}
    return _alarm_record(name, others | {"MetricName": first["MetricName"], "Namespace": first["Namespace"]})


def _create_secret(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    """Create a secret whose `Ref` is its ARN and whose generated name is <logical id>-<random>, as CDK expects."""
    properties = {"Name": f"{logical_id}-{uuid4().hex[:12]}", **properties}
    _, attributes = _SECRET["create"](logical_id, properties, stack)
    return attributes["Arn"], attributes


def _update_secret(
    arn: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
) -> tuple[str, dict[str, str]]:
    name = _secret_name(arn)
    _, attributes = _SECRET["update"](name, {"Name": name, **old}, {"Name": name, **new}, stack, logical_id)
    return attributes["Arn"], attributes


def _delete_secret(arn: str, properties: Any) -> None:
    _SECRET["delete"](_secret_name(arn), properties)


def _secret_name(arn: str) -> str:
    name: str = secretsmanager._resolve(arn)[0]
    return name
