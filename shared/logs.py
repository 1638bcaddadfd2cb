"""The structured logger of all functions: every line names its execution, load and object."""

from collections.abc import Callable, Mapping
from functools import wraps
from time import perf_counter
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.dataset_keys import find_dataset
from shared.errors import DataError, UnfinishedError
from shared.outages import LaterError
from shared.requested_object import requested_object
from shared.snapshots import renew_after_restore
from shared.throttling import throttling_errors

SERVICE = "influxdb-loader"

logger = Logger(service=SERVICE)
renew_after_restore(logger)


Event = TypeVar("Event", bound=Mapping[str, Any])
Result = TypeVar("Result")


def log_invocations(handler: Callable[[Event, LambdaContext], Result]) -> Callable[[Event, LambdaContext], Result]:
    """Decorate a Lambda handler: add the load's keys to every log line, log its calls, durations and errors.

    The handler's errors are raised unchanged, except that all throttling by AWS becomes AwsThrottledError. One that
    asks for another call is not logged as an error.
    """

    @wraps(handler)
    def with_log(event: Event, context: LambdaContext) -> Result:
        started = perf_counter()
        logger.append_keys(**load_keys(event))
        logger.debug("called", event=event)
        try:
            with throttling_errors():
                result = handler(event, context)
        except LaterError as later:  # a wait is no failure
            logger.info("later", seconds=round(perf_counter() - started, 3), **later.outage)
            raise
        except UnfinishedError as unfinished:  # nor is a call that is to be continued
            logger.info("unfinished", seconds=round(perf_counter() - started, 3), progress=str(unfinished))
            raise
        except Exception:
            logger.exception("failed", seconds=round(perf_counter() - started, 3))
            raise
        logger.info("done", seconds=round(perf_counter() - started, 3))
        return result

    return logger.inject_lambda_context(with_log, clear_state=True)


def load_keys(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys for log lines: the execution, load and object that the event names."""
    event = event.get("input", event)  # `shared.state_calls.StateCall`
    execution = event.get("execution")
    execution = execution.get("name") if isinstance(execution, Mapping) else execution
    keys = {"correlation_id": execution, "execution": execution, "chunk": event.get("chunk")}
    source = event.get("file") or (_source_keys(event["event"]) if "event" in event else event)
    keys |= {name: source.get(name) for name in ("load_id", "bucket", "key", "dataset")}
    return {name: value for name, value in keys.items() if value}


def _source_keys(event: object) -> Mapping[str, str]:
    try:
        requested = requested_object(event)
    except DataError:  # PinSource reports it
        return {}
    keys = {"bucket": requested.bucket, "key": requested.key}
    dataset = find_dataset(requested.key)
    return keys | ({"dataset": dataset.name} if dataset else {})
