"""The executions of other loads, as Step Functions sees them: one that was stopped cannot record its own end.

A person may redrive it later, although other loads count it as ended. So WriteBatch must send nothing more for it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shared.logs import logger
from shared.registrations import WRITE_SECONDS, Registration
from shared.work_bucket import end_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

UNKNOWN = ("ExecutionDoesNotExist", "AccessDenied", "AccessDeniedException")
"""The errors after which the load waits on, as for an execution that runs."""


class Executions:
    """The executions of the state machine to which the execution with the ARN `own_arn` belongs.

    `client` is that of S3. `connect` returns the one of Step Functions, which most loads do not need.
    """

    def __init__(self, client: "S3Client", connect: Callable[[], "SFNClient"], own_arn: str) -> None:
        self._client = client
        self._connect = connect
        self._machine = own_arn.rpartition(":")[0]

    def has_ended(self, load: Registration, now: datetime) -> bool:
        """Return whether the execution of a load has ended for ever, and so have the last invocations that it started.

        It must still be at its end after WriteBatch was told to send nothing: it may have been redriven before that.
        """
        if not self._is_at_end(load, now):
            return False
        put_json(self._client, end_key(load["load_id"], load["execution"]), {"ended_at": now.isoformat()})
        return self._is_at_end(load, now)

    def _is_at_end(self, load: Registration, now: datetime) -> bool:
        """Return whether Step Functions says that the execution ended so long ago that nothing of it runs any more.

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
