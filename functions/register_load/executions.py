"""The executions of other loads, as Step Functions sees them: one that was stopped cannot record its own end."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.registrations import WRITE_SECONDS, Registration

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Executions:
    """The executions of the state machine to which the execution with the ARN `own_arn` belongs.

    `connect` returns the client, which most loads do not need.
    """

    def __init__(self, connect: Callable[[], "SFNClient"], own_arn: str) -> None:
        self._connect = connect
        self._machine = own_arn.rpartition(":")[0]

    def has_ended(self, load: Registration, now: datetime) -> bool:
        """Return whether the execution of a load has ended, and so have the last invocations that it started.

        Nothing is known about an execution that Step Functions does not have, such as one of a former state machine.
        """
        client = self._connect()
        try:
            execution = client.describe_execution(executionArn=f"{self._machine}:{load['execution']}")
        except client.exceptions.ExecutionDoesNotExist:
            return False
        stopped_at = execution.get("stopDate")
        return stopped_at is not None and stopped_at + timedelta(seconds=WRITE_SECONDS) <= now
