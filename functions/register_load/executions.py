"""The executions of other loads, as Step Functions sees them: one that was stopped cannot record its own end."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shared.logs import logger
from shared.registrations import WRITE_SECONDS, Registration

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

UNKNOWN = ("ExecutionDoesNotExist", "AccessDenied", "AccessDeniedException")
"""The errors after which the load waits on, as for an execution that runs."""


class Executions:
    """The executions of the state machine to which the execution with the ARN `own_arn` belongs.

    `connect` returns the client, which most loads do not need.
    """

    def __init__(self, connect: Callable[[], "SFNClient"], own_arn: str) -> None:
        self._connect = connect
        self._machine = own_arn.rpartition(":")[0]

    def has_ended(self, load: Registration, now: datetime) -> bool:
        """Return whether the execution of a load has ended, and so have the last invocations that it started.

        Nothing is known about an execution that Step Functions does not have, such as one of a former state machine, or
        while the request is denied, such as in an update that replaces functions before it adds their permissions.
        """
        arn = f"{self._machine}:{load['execution']}"
        try:
            execution = self._connect().describe_execution(executionArn=arn)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in UNKNOWN:
                raise
            if code != "ExecutionDoesNotExist":
                logger.warning("it is unknown whether an older load has ended", execution=arn, error=code)
            return False
        stopped_at = execution.get("stopDate")
        return stopped_at is not None and stopped_at + timedelta(seconds=WRITE_SECONDS) <= now
